"""What a person is told: every line, each exchange once, newest first, nothing that was not so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from citizen_sample import NOON, auskunft, decided, empowered, kept, line, power, record
from hypothesis import given
from hypothesis import strategies as st

from consent.vocabulary import RecordState
from gateway.audit.german_time import german_time
from gateway.views.auskunft import Auskunft, Entry, JournalLine
from gateway.views.render import readable

BASIS = {"kind": "choice", "norm": "EGovG § 5", "record": "r1", "revision": 1}


def only(told: Auskunft) -> Entry:
    (entry,) = told.entries
    return entry


def test_the_lines_of_one_exchange_are_one_entry() -> None:
    """Asked and answered are told once, with both places in the log."""
    entry = only(
        auskunft(
            line(8, "answered", "x", minutes=1, released=["town"], concerned="subject"),
            line(7, "asked", "x", requested=["town"]),
        )
    )
    assert [(place.index, place.kind) for place in entry.places] == [(7, "asked"), (8, "answered")]
    assert (entry.outcome, entry.tone) == ("answered", "given")
    assert entry.time == NOON + timedelta(minutes=1)
    assert entry.consumer is not None
    assert entry.consumer.title.de == "Wohngeldstelle Musterstadt"
    assert entry.consumer.part is not None


def test_what_was_asked_and_not_handed_over_is_named_with_its_reason() -> None:
    """A field a rule removed shows the rule; one the register does not hold says so; no other is listed."""
    entry = only(
        auskunft(
            line(1, "asked", "x", requested=["town", "religion", "birth_name"]),
            line(
                2,
                "answered",
                "x",
                minutes=1,
                released=["town"],
                removed=[{"field": "religion", "rule": "grant"}, {"field": "street", "rule": "not-asked"}],
            ),
        )
    )
    assert [data.code for data in entry.handed_over] == ["town"]
    assert {item.data.code: item.rule for item in entry.kept_back} == {
        "religion": "grant",
        "street": "not-asked",
        "birth_name": "not-on-file",
    }


def test_a_refusal_tells_its_reasons_and_hands_over_nothing() -> None:
    """Everything asked for is listed as kept back, and each reason in words."""
    entry = only(
        auskunft(line(3, "refused", "x", requested=["town"], reasons=["fields-not-permitted"], basis=BASIS))
    )
    assert entry.tone == "kept"
    assert [reason.title.de for reason in entry.reasons] == [
        "Die Behörde hat nach mehr gefragt, als sie wissen darf."
    ]
    assert [item.rule for item in entry.kept_back] == ["nothing-left"]
    assert not entry.handed_over


@pytest.mark.parametrize(
    ("kind", "concerned", "told"),
    [
        ("answered", "subject", "Ihre Entscheidung. Sie haben"),
        ("answered", "parent", "Die Entscheidung der Person"),
        ("refused", "subject", "Die Behörde hat sich auf"),
    ],
)
def test_a_basis_is_only_called_yours_when_it_was(kind: str, concerned: str, told: str) -> None:
    """A refused claim is told as a claim; another person's decision is not told as this person's."""
    entry = only(auskunft(line(1, kind, "x", basis=BASIS, concerned=concerned)))
    assert entry.basis is not None
    assert entry.basis.told.de.startswith(told)


def test_a_statute_is_never_told_as_consent() -> None:
    """A statutory basis says that no agreement was needed."""
    entry = only(auskunft(line(1, "answered", "x", basis={"kind": "statutory", "norm": "WoGG § 23"})))
    assert entry.basis is not None
    assert "auch ohne Ihre Zustimmung" in entry.basis.told.de
    assert entry.basis.norm == "WoGG § 23"


def test_asked_without_a_result_does_not_claim_one() -> None:
    """A request whose end is not recorded under this person is open, and lists nothing as kept back."""
    entry = only(auskunft(line(1, "asked", "x", requested=["town"])))
    assert (entry.tone, entry.kept_back) == ("open", ())


def test_months_are_german_months_newest_first() -> None:
    """31 October, 23:30 UTC is already November on a German wall."""
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    told = auskunft(
        line(1, "answered", "a", minutes=int((late - NOON).total_seconds() // 60)),
        line(2, "answered", "b", minutes=int((late - NOON).total_seconds() // 60) - 60),
    )
    assert [(month.month, len(month.entries)) for month in told.months] == [(11, 1), (10, 1)]


@pytest.mark.parametrize(
    ("utc", "hour"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), 1),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), 3),
        (datetime(2026, 10, 25, 0, 59, tzinfo=UTC), 2),
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), 2),
        (datetime(2027, 10, 31, 0, 59, tzinfo=UTC), 2),
        (datetime(2027, 10, 31, 1, 0, tzinfo=UTC), 2),
        (datetime(2027, 10, 31, 2, 0, tzinfo=UTC), 3),
    ],
)
def test_summer_time_begins_and_ends_on_the_last_sunday(utc: datetime, hour: int) -> None:
    """The clocks change at 01:00 UTC, and the moment stays the same."""
    assert german_time(utc).hour == hour
    assert german_time(utc) == utc


@pytest.mark.parametrize(
    ("changes", "state", "valid"),
    [
        ({}, "given", True),
        ({"state": RecordState.RENEWED}, "renewed", True),
        ({"not_after": NOON}, "expired", False),
        ({"max_uses": 1, "uses": 1}, "consumed", False),
        ({"max_uses": 2, "uses": 1}, "given", True),
        ({"state": RecordState.WITHDRAWN}, "withdrawn", False),
        ({"state": RecordState.REQUESTED}, "requested", False),
    ],
)
def test_a_consent_stands_as_the_law_would_see_it_now(
    changes: dict[str, Any], state: str, valid: bool
) -> None:
    """A given consent past its end or its uses is not told as valid."""
    (consent,) = auskunft(records=(record(**changes),)).consents
    assert (consent.state.code, consent.valid) == (state, valid)


def test_a_record_that_nothing_may_rest_on_is_not_told_as_valid() -> None:
    """Not yet begun, not provably genuine, decided under a power that has ended: told why it doesn't count."""
    ended = power(state=RecordState.WITHDRAWN)
    cases = {
        "not-yet": record(not_before=NOON + timedelta(hours=20)),
        "not-authentic": record(authentic=False),
        "power-ended": record(representative="p1"),
    }
    for state, one in cases.items():
        (consent,) = auskunft(held=(kept(one), kept(ended))).consents
        assert (consent.state.code, consent.valid) == (state, False)
    (consent,) = auskunft(held=(kept(record(representative="p1")), kept(power()))).consents
    assert consent.valid


def test_the_steps_of_a_record_stand_with_it_and_not_among_the_requests() -> None:
    """Given and withdrawn are the history of the consent; a step of a record nobody holds is still told."""
    given_step = line(1, "consent.given", "x1", basis=BASIS)
    withdrawn = line(2, "consent.withdrawn", "x2", minutes=1, basis=BASIS)
    stray = line(3, "consent.given", "x3", basis=BASIS | {"record": "r9"})
    told = auskunft(stray, withdrawn, given_step, records=(record(state=RecordState.WITHDRAWN),))
    (consent,) = told.consents
    assert [(step.state.code, step.place and step.place.index) for step in consent.steps] == [
        ("given", 1),
        ("withdrawn", 2),
    ]
    assert only(told).title.de == "Entscheidung: erteilt"


def test_a_withheld_line_is_named_with_its_norm() -> None:
    """A line without event is not passed over in silence."""
    told = auskunft(JournalLine("m.example/24m/2026-10", 5, None, "IDNrG § 9"))
    assert [(closed.index, closed.norm) for closed in told.closed] == [(5, "IDNrG § 9")]


def test_an_event_nobody_has_words_for_is_told_by_its_codes() -> None:
    """Unknown consumers, registers, roles and fields show their codes; nothing fails."""
    entry = only(
        auskunft(
            line(
                1,
                "answered",
                "x",
                consumer="neu",
                register="r",
                purpose="p",
                concerned="cousin",
                released=["shoe"],
            )
        )
    )
    assert entry.consumer is not None
    assert entry.consumer.title.de == "neu"
    assert entry.concerned is not None
    assert (
        entry.concerned.title.en == "It was about another person. Their evidence also holds data about you."
    )
    assert entry.handed_over[0].title.de == "shoe"


def test_forms_name_the_person_without_the_whole_number() -> None:
    """A printed page shows the end of the identification number, not the number."""
    forms = auskunft().forms
    assert forms[0].title.de.endswith("774 endet")
    assert not any("02468135774" in form.title.de or "4711" in form.title.de for form in forms)


KINDS = st.sampled_from(
    (
        "asked", "answered", "refused", "no-data", "submitted", "released", "read.by", "consent.given",
        "consent.withdrawn", "export.made", "later",
    )
)  # fmt: skip
RECORDS = st.sampled_from(["r1", "p1", "r9", None])


@given(
    st.lists(
        st.tuples(
            KINDS,
            st.sampled_from(["a", "b", "c", None]),
            st.integers(-90_000, 90_000),
            RECORDS,
            st.booleans(),
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_every_line_is_told_exactly_once(
    drawn: list[tuple[str, str | None, int, str | None, bool]], known: bool
) -> None:
    """Whatever the lines: each is in an entry, a step or the closed ones, once; entries are newest first."""
    lines = [
        line(index, kind, exchange, minutes=minutes, basis={"record": of, "revision": 1} if of else None)
        if open_
        else JournalLine("musterstadt.example/24m/2026-11", index, None, "§")
        for index, (kind, exchange, minutes, of, open_) in enumerate(drawn)
    ]
    held = (kept(record(), decided(RecordState.GIVEN)), kept(power(), empowered(RecordState.GIVEN)))
    told = auskunft(*lines, held=held if known else ())
    places = [place.index for entry in told.entries for place in entry.places]
    places += [step.place.index for _, step in told.steps if step.place is not None]
    places += [closed.index for closed in told.closed]
    assert sorted(places) == list(range(len(lines)))
    times = [entry.time for entry in told.entries]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_a_line_of_the_calendars_ends_is_told_like_any_other(time: str) -> None:
    """A reader may be given a file that somebody made up."""
    told = auskunft(line(1, "answered", "x", time=time))
    assert len(list(told.entries)) == 1
    assert readable(told)
