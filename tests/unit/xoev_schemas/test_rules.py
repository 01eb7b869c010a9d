"""The rules of the XÖV framework beyond the schemas."""

from __future__ import annotations

import pytest

from xoev_schemas.rules import XOEV, check, read, rejected
from xoev_schemas.safe_xml import Limits, parse

SOUND = {
    "root": "beispiel.anfragen.0101",
    "attributes": "",
    "uuid": "0b0f7c0e-1111-4111-8111-00000000a001",
    "type": "0101",
    "time": "2026-11-21T20:15:00.123+01:00",
    "code": "DVDV",
}
TEMPLATE = (
    "<{root} xmlns='urn:m' {attributes}><h:kopf xmlns:h='urn:head'><h:identifikation.nachricht>"
    "<h:nachrichtenUUID>{uuid}</h:nachrichtenUUID>"
    "<h:nachrichtentyp listURI='urn:l'><code xmlns=''>{type}</code></h:nachrichtentyp>"
    "<h:erstellungszeitpunkt>{time}</h:erstellungszeitpunkt></h:identifikation.nachricht></h:kopf>"
    "<verzeichnis listURI='urn:l'><code xmlns=''>{code}</code></verzeichnis></{root}>"
)


def broken(**change: str) -> list[tuple[str, str]]:
    root = parse(TEMPLATE.format(**{**SOUND, **change}).encode(), Limits())
    return [(finding.rule, finding.severity) for finding in check(root, XOEV)]


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ({}, []),
        ({"uuid": "0B0F7C0E-1111-4111-8111-00000000A001"}, []),
        ({"time": "2026-11-21T19:15:00.123Z"}, []),
        ({"root": "beispiel.anfragen"}, []),
        ({"uuid": "{0b0f7c0e-1111-4111-8111-00000000a001}"}, [("xoev-uuid", "reject")]),
        ({"uuid": ""}, [("xoev-uuid", "reject")]),
        ({"type": "0102"}, [("xoev-type", "warn")]),
        ({"time": "2026-11-21T20:15:00+01:00"}, [("xoev-time-milliseconds", "warn")]),
        ({"time": "2026-11-21T20:15:00.123"}, [("xoev-time-zone", "reject")]),
        ({"code": " "}, [("xoev-code", "reject")]),
        ({"attributes": "test='true'"}, [("xoev-test", "warn")]),
        ({"attributes": "test=''"}, [("xoev-test", "warn")]),
    ],
)
def test_each_rule_finds_what_it_is_about(change: dict[str, str], findings: list[tuple[str, str]]) -> None:
    """A sound message passes; each mistake has its rule and severity."""
    assert broken(**change) == findings


def test_a_message_is_rejected_by_a_rejecting_rule_only() -> None:
    """Warnings are told and let pass."""
    warned = parse(TEMPLATE.format(**{**SOUND, "type": "0102"}).encode(), Limits())
    wrong = parse(TEMPLATE.format(**{**SOUND, "uuid": "x"}).encode(), Limits())
    assert not rejected(check(warned, XOEV))
    assert rejected(check(wrong, XOEV))


def test_a_finding_says_where_and_not_what() -> None:
    """The path in local names; the value stays in the message."""
    root = parse(TEMPLATE.format(**{**SOUND, "uuid": "Geheimwort"}).encode(), Limits())
    [finding] = check(root, XOEV)
    assert finding.path == "/beispiel.anfragen.0101/kopf/identifikation.nachricht/nachrichtenUUID"
    assert "Geheimwort" not in repr(finding)


def test_a_message_without_such_a_header_breaks_nothing() -> None:
    """The rules speak of what they find."""
    assert check(parse(b"<q xmlns='urn:q'/>", Limits()), XOEV) == ()


def test_every_rule_says_where_it_is_written() -> None:
    """No rule without a source."""
    assert all(rule.source and rule.text for rule in XOEV)
    assert len({rule.id for rule in XOEV}) == len(XOEV)


def test_what_is_no_rule_is_an_error_at_start() -> None:
    """An unknown severity or kind does not become a rule that never fires."""
    row = '[[rule]]\nid="a"\nkind="{}"\nname="n"\nseverity="{}"\ntext="t"\nsource="s"'
    for kind, severity in (("maybe", "warn"), ("not-empty", "later")):
        with pytest.raises(ValueError, match="rule a"):
            read(row.format(kind, severity))
