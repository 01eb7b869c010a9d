"""What a person decided and who may act for them: every step, by which authority, and how it stands today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from citizen_sample import (
    CONSENT,
    NOON,
    auskunft,
    decided,
    empowered,
    every_kind,
    kept,
    line,
    power,
    record,
)

from consent.vocabulary import RecordState
from gateway.views.auskunft import Consent, Power

GIVEN, WITHDRAWN = RecordState.GIVEN, RecordState.WITHDRAWN


def told(*lines: Any, held: Any) -> Consent:
    (consent,) = auskunft(*lines, held=(held,)).consents
    return consent


def only_power(*lines: Any, held: Any) -> Power:
    (one,) = auskunft(*lines, held=(held,)).powers
    return one


def test_every_step_is_told_with_its_date_its_authority_and_its_place_in_the_journal() -> None:
    """The ledger says when and by whom, the line where it is proved; a step without a line of the person's has none."""
    held = kept(
        record(state=WITHDRAWN, revision=3),
        decided(GIVEN),
        decided(RecordState.RENEWED, 2, minutes=5, not_after=NOON + timedelta(days=9)),
        decided(WITHDRAWN, 3, minutes=9),
    )
    consent = told(line(4, "consent.renewed", None, minutes=5, basis=CONSENT | {"revision": 2}), held=held)
    assert [(step.state.title.de, step.place and step.place.index) for step in consent.steps] == [
        ("erteilt", None),
        ("verlängert", 4),
        ("widerrufen", None),
    ]
    assert [step.until for step in consent.steps] == [
        NOON + timedelta(days=1),
        NOON + timedelta(days=9),
        None,
    ]
    assert {step.recorded_by.title.de for step in consent.steps if step.recorded_by} == {"Bürgerportal"}


def test_a_clerk_is_never_told() -> None:
    """Recorded at the house's own counter: the authority, whatever pseudonym the ledger keeps."""
    held = kept(record(recorded_by="sb-17"), decided(GIVEN, recorded_by="sb-17"))
    consent = told(line(1, "consent.given", None, basis=CONSENT, actor="sb-17"), held=held)
    (step,) = consent.steps
    assert step.recorded_by is not None
    assert step.recorded_by.title.de == consent.recorded_by.title.de == "Stadt Musterstadt"
    assert "sb-17" not in repr(consent)


def test_who_recorded_by_message_is_told_even_if_the_policy_forgot_them() -> None:
    """A sender of messages is an authority, not a clerk: shown by the code when no title is known any more."""
    held = kept(record(recorded_by="altportal"), decided(GIVEN, recorded_by="altportal"))
    consent = told(line(1, "consent.given", "x", consumer="altportal", basis=CONSENT), held=held)
    assert consent.recorded_by.title.de == "altportal"


def test_what_was_decided_is_told_with_its_terms() -> None:
    """How it was told, which text was shown, how long the recipient keeps the data, what it follows."""
    consent = told(held=kept(record(previous="r0"), decided(GIVEN, recipient_keeps_days=30)))
    assert consent.channel is not None
    assert (consent.channel.title.de, consent.notice) == ("am Schalter", "3")
    assert (consent.recipient_keeps_days, consent.previous) == (30, "r0")


def test_a_power_is_told_with_everything_but_who_has_it() -> None:
    """Kind of proof, procedures, period, norm, history, how to end it; nothing of the representative."""
    one = only_power(
        line(1, "consent.given", "x", consumer="buergerportal", basis={"record": "p1", "revision": 1}),
        held=kept(power(), empowered(GIVEN)),
    )
    assert (one.kind.title.de, one.state.title.de, one.valid, one.norm) == (
        "Vollmacht",
        "gültig",
        True,
        "BGB § 167",
    )
    assert [procedure.code for procedure in one.procedures] == ["wohngeld-antrag"]
    assert [step.state.title.de for step in one.steps] == ["erfasst"]
    assert "widerrufen" in one.ending.de
    assert not [word for word in ("Berta", "Vertreterin", "1960") if word in repr(one)]


@pytest.mark.parametrize(
    ("changes", "state", "valid"),
    [
        ({}, "given", True),
        ({"not_after": NOON}, "expired", False),
        ({"not_before": NOON + timedelta(days=1)}, "not-yet", False),
        ({"state": RecordState.WITHDRAWN}, "withdrawn", False),
        ({"authentic": False}, "not-authentic", False),
    ],
)
def test_a_power_stands_as_the_law_would_see_it_now(changes: dict[str, Any], state: str, valid: bool) -> None:
    """Expired is computed; what does not count is not told as valid."""
    one = only_power(held=kept(power(**changes)))
    assert (one.state.code, one.valid) == (state, valid)


def test_a_step_of_a_power_nobody_holds_is_told_as_one() -> None:
    """An event with a basis without kind is a power's: recorded or ended, never called a consent."""
    gone = {"record": "gone", "revision": 1}
    told = auskunft(
        line(1, "consent.given", None, basis=gone), line(2, "consent.withdrawn", None, minutes=1, basis=gone)
    )
    assert [entry.title.de for entry in told.entries] == [
        "Vollmacht oder andere Vertretung: beendet",
        "Vollmacht oder andere Vertretung: erfasst",
    ]
    assert all(entry.basis is None for entry in told.entries)


def test_a_consents_step_is_not_told_as_a_claim() -> None:
    """A step is the person's own act: no sentence says that an authority referred to it."""
    (entry,) = auskunft(line(1, "consent.given", None, basis=CONSENT, requested=["town"])).entries
    assert entry.basis is not None
    assert entry.basis.told.de == "Es geht um eine Einwilligung von Ihnen."
    assert [data.code for data in entry.covered] == ["town"]
    assert not entry.handed_over


def test_one_revision_has_one_line() -> None:
    """Two lines of one revision: the first is the ledger's step, the other is told beside it, from what it says."""
    lines = [line(at, "consent.given", f"x{at}", consumer="buergerportal", basis=CONSENT) for at in (1, 2)]
    consent = told(*lines, held=kept(record(), decided(GIVEN)))
    assert [step.place.index for step in consent.steps if step.place] == [1, 2]


def test_decisions_and_powers_stand_newest_first() -> None:
    """Whatever order the house found them in."""
    held = every_kind()[1]
    for ledger in (held, tuple(reversed(held))):
        report = auskunft(held=ledger)
        for found in (report.consents, report.powers):
            starts = [one.not_before for one in found]
            assert starts == sorted(starts, reverse=True)
