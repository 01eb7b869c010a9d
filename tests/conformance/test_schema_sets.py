"""The catalogue and the parser on real schema sets and real messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from xoev_schemas import sets
from xoev_schemas.catalogue import Catalogue, Listed, MessageKey
from xoev_schemas.rules import XOEV, check
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.validate import Schema


def catalogue(root: Path, *names: str) -> Catalogue:
    return Catalogue([*sets.packaged(), *(sets.read(root / name) for name in names)])


def judged(known: Catalogue, file: Path) -> tuple[etree._Element, Schema]:
    message = parse(file.read_bytes(), Limits())
    listed = known.find(MessageKey.of(message))
    assert isinstance(listed, Listed), file.name
    return message, listed.schema


@pytest.mark.parametrize(
    "names",
    [
        ("xbeteiligung-1.2",),
        ("regrep-4.0",),
        ("xta-2.1.1",),
        ("genericode-1.0",),
        ("oots-edm-1.0", "regrep-4.0"),
        ("xbildung-1.1", "xbeteiligung-1.2"),
    ],
    ids=lambda names: " + ".join(names),
)
def test_each_set_compiles_offline_with_what_it_builds_on(standards: Path, names: tuple[str, ...]) -> None:
    """Imports by location, by URL and without any location are found; nothing is missing."""
    assert catalogue(standards, *names).flaws == ()


def test_all_sets_live_side_by_side(standards: Path) -> None:
    """A home with every set installed has no flaw, none in the other's way."""
    names = sorted(folder.name for folder in standards.iterdir() if folder.is_dir())
    known = catalogue(standards, *names)
    assert known.flaws == ()
    for file in (standards / "xbeteiligung-1.2" / "samples").iterdir():
        message, schema = judged(known, file)
        assert schema.valid(message), file.name


def test_a_set_without_the_sets_it_builds_on_says_what_is_missing(standards: Path) -> None:
    """XBildung without the XÖV core: each missing schema, and the file that wants it."""
    flaws = catalogue(standards, "xbildung-1.1").flaws
    assert {flaw.set for flaw in flaws} == {"xbildung-1.1"}
    assert any("http://xoev.de/schemata/code/1_0" in flaw.wrong for flaw in flaws)
    assert all(flaw.file.endswith(".xsd") for flaw in flaws)


@pytest.mark.parametrize(
    ("names", "messages", "number"),
    [
        (("xbeteiligung-1.2",), "xbeteiligung-1.2/samples/*.xml", 2),
        (("regrep-4.0",), "oots-edm-1.0/samples/oots_re*t.xml", 1),
        (("regrep-4.0",), "oots-edm-1.0/samples/oots_response.xml", 1),
        (("genericode-1.0",), "xbildung-1.1/code/*.xml", 7),
    ],
    ids=lambda value: str(value),
)
def test_real_messages_are_valid(standards: Path, names: tuple[str, ...], messages: str, number: int) -> None:
    """What its authors call valid, this house calls valid; both validators agree."""
    known = catalogue(standards, *names)
    files = sorted(standards.glob(messages))
    assert len(files) == number
    for file in files:
        message, schema = judged(known, file)
        assert schema.valid(message), file.name
        assert schema.explain(message) == ()


def test_a_spoilt_real_message_is_explained_without_its_values(standards: Path) -> None:
    """The finding names the place the value was spoilt at."""
    known = catalogue(standards, "xbeteiligung-1.2")
    for file in (standards / "xbeteiligung-1.2" / "samples").iterdir():
        message, schema = judged(known, file)
        spoilt = next(message.iter("{*}nachrichtenUUID"))
        spoilt.text = "Geheimwort"
        assert not schema.valid(message)
        findings = schema.explain(message)
        assert [finding.path.rpartition("/")[2] for finding in findings] == ["nachrichtenUUID"]
        assert "Geheimwort" not in repr(findings)


def test_a_valid_message_with_the_wrong_type_is_warned_of(standards: Path) -> None:
    """One real sample is schema-valid and names another message in its header."""
    file = standards / "xbeteiligung-1.2" / "samples" / "example402FromCockpit.xml"
    findings = check(parse(file.read_bytes(), Limits()), XOEV)
    assert [(finding.rule, finding.severity) for finding in findings] == [("xoev-type", "warn")]


def test_installing_a_real_set_copies_it_with_its_sums(standards: Path, tmp_path: Path) -> None:
    """Core first, then what builds on it; in the other order it is refused by name and nothing is written."""
    home = tmp_path / "schemas"

    def install(name: str) -> None:
        sets.install(standards / name, home, Catalogue(sets.installed(home)).flaws_with)

    with pytest.raises(sets.Unusable, match="xbildung-baukasten"):
        install("xbildung-1.1")
    install("xbeteiligung-1.2")
    install("xbildung-1.1")
    assert [one.name for one in sets.installed(home)] == ["xbeteiligung-1.2", "xbildung-1.1"]
    assert Catalogue(sets.installed(home)).flaws == ()
