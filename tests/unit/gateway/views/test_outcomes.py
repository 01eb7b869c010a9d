"""What became of an exchange, as the person is told it: who did what, which way data went, what a law kept back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from citizen_sample import CHOICE, LAW, MOVE, NOON, auskunft, every_kind, line, stamp

from gateway.views.auskunft import Entry, Place
from gateway.views.entries import kept_until

FILES: dict[str, Any] = {"requested": MOVE, "grant": "umzug-eintragen", "basis": LAW, "concerned": "subject"}


def told(kind: str, **more: Any) -> Entry:
    """Out: the one entry of an exchange of that one line."""
    (entry,) = auskunft(line(1, kind, "x", **more)).entries
    return entry


# --- submissions ------------------------------------------------------------------------------------------------
def test_a_submission_tells_what_was_put_on_file_and_hands_nothing_over() -> None:
    """Which data, by name, in which register, by whom, on which basis: told as an entry, not as an answer."""
    entry = told("submitted", **FILES)
    assert (entry.tone, entry.filing, entry.title.de) == ("filed", True, "Eingetragen")
    assert [data.code for data in entry.handed_over] == MOVE
    assert not entry.kept_back
    assert entry.register is not None
    assert entry.basis is not None
    assert "diese Eintragung" in entry.basis.told.de


def test_what_was_on_file_already_is_told_as_no_change() -> None:
    """Nothing was written: every name with its reason, and no word on since when."""
    entry = told("submitted", reasons=["already-on-file"], **FILES)
    assert (entry.tone, entry.title.de) == ("kept", "War schon eingetragen")
    assert not entry.handed_over
    assert {item.rule for item in entry.kept_back} == {"already-on-file"}
    assert "Seit wann, steht nicht im Protokoll" in entry.reasons[0].title.de


def test_a_conflict_says_that_nothing_was_changed() -> None:
    """With or without a grant the report still knows: a conflict is a submission's."""
    entry = told("refused", reasons=["conflict"], requested=MOVE)
    assert entry.filing
    assert "Nichts wurde geändert" in entry.sentence.de
    assert {item.rule for item in entry.kept_back} == {"nothing-filed"}


@pytest.mark.parametrize("kind", ["asked", "refused", "no-data", "failed", "dead"])
def test_a_submission_that_came_to_nothing_is_not_told_as_a_question(kind: str) -> None:
    """Its grant is one to write, so no sentence says that somebody asked for data or got none."""
    entry = told(kind, **FILES)
    assert entry.filing
    assert "eintragen" in entry.sentence.de
    assert not entry.handed_over


def test_an_answer_is_never_a_submission() -> None:
    """Whatever its grant is called, an answer handed data over."""
    entry = told("answered", released=["town"], requested=["town"], grant="umzug-eintragen")
    assert (entry.filing, entry.tone) == (False, "given")


# --- blocked persons, looks at records -----------------------------------------------------------------------------
def test_a_blocked_person_sees_that_someone_asked_and_why_they_got_nothing() -> None:
    """The asker learned less: the reason is told to the person, without saying whose bar it is."""
    entry = told("no-data", reasons=["no-data"], facts={"hold": "failed"}, concerned="subject")
    assert entry.consumer is not None
    assert "nicht erfahren" in entry.sentence.de
    assert [reason.title.de for reason in entry.reasons] == ["Im Register steht eine Auskunftssperre."]
    unblocked = told("no-data", reasons=["no-data"], facts={"hold": "not-needed"})
    assert "Auskunftssperre" not in unblocked.reasons[0].title.de


def test_a_look_at_the_persons_records_is_told() -> None:
    """Which office had the decisions shown to it."""
    entry = told("read.by", consumer="buergerportal")
    assert (entry.tone, entry.title.de) == ("note", "Entscheidungen angesehen")
    assert entry.consumer is not None
    assert entry.consumer.title.de == "Bürgerportal"


# --- kept back by law ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("twin", "said"),
    [
        ("answered", {"released": ["town"], "requested": ["town"]}),
        ("submitted", {"requested": ["town"]}),
        ("submitted", {"requested": ["town"], "reasons": ["already-on-file"]}),
        ("refused", {"requested": ["town"], "reasons": ["conflict"]}),
        ("refused", {"requested": ["town"], "reasons": ["no-basis"]}),
        ("no-data", {"requested": ["town"], "reasons": ["no-data"], "facts": {"hold": "failed"}}),
        ("expired", {"requested": ["town"], "reasons": ["deadline-passed"]}),
        ("dead", {"requested": ["town"], "reasons": ["register-timeout"]}),
        ("failed", {"requested": ["town"], "reasons": ["register-protocol"]}),
    ],
)
def test_a_released_line_is_told_like_its_twin(twin: str, said: dict[str, Any]) -> None:
    """Same words, same data, same time as if no law had kept it back; and that one did, until when, by which norm."""
    then = NOON - timedelta(days=90)
    late = told("released", grant="steuer-pruefung", times={"answered": stamp(then)}, **said)
    once = told(twin, grant="steuer-pruefung", minutes=-90 * 24 * 60, **said)
    for part in ("outcome", "tone", "title", "sentence", "reasons", "handed_over", "kept_back", "time"):
        assert getattr(late, part) == getattr(once, part), part
    assert late.secrecy is not None
    assert (late.secrecy.until, late.secrecy.norm) == (date(2026, 11, 21), "AO § 93 Abs. 9")
    assert once.secrecy is None


def test_a_norm_the_policy_forgot_is_left_out() -> None:
    """The grant is gone: that the law kept it back is told, by which norm is not guessed."""
    late = told("released", grant="gone", released=["town"])
    assert late.secrecy is not None
    assert late.secrecy.norm is None


# --- for whom, by whom ----------------------------------------------------------------------------------------------
def test_delegation_names_for_whom_was_asked() -> None:
    """The title of the other authority; one the policy does not know by its code."""
    known = told("answered", on_behalf_of="kitaverwaltung")
    assert known.on_behalf_of is not None
    assert known.on_behalf_of.title.de == "Kita-Verwaltung Musterstadt"
    unknown = told("answered", on_behalf_of="nachbarstadt")
    assert unknown.on_behalf_of is not None
    assert unknown.on_behalf_of.title.de == "nachbarstadt"


@pytest.mark.parametrize(
    ("fact", "concerned", "represented"),
    [
        ("passed", "subject", True),
        ("passed", None, True),
        ("passed", "parent", False),
        ("not-needed", None, False),
    ],
)
def test_being_represented_is_told_to_the_person_it_concerns(
    fact: str, concerned: str | None, represented: bool
) -> None:
    """That somebody acted for the person is theirs to know, not everyone's in the same evidence."""
    assert told("answered", concerned=concerned, facts={"representation": fact}).represented is represented


@pytest.mark.parametrize("role", ["parent", "household-member", "child", "spouse"])
def test_who_only_occurs_in_evidence_learns_their_part_and_no_record_of_the_other(role: str) -> None:
    """In plain words, without the other person's name, decision or record."""
    entry = told("answered", concerned=role, basis=CHOICE, released=["town"])
    assert entry.concerned is not None
    assert entry.concerned.title.de.startswith("Es ging um ")
    assert entry.basis is not None
    assert "der Person, um die es ging" in entry.basis.told.de
    assert entry.basis.record is None


def test_who_stands_in_the_evidence_twice_is_told_as_the_one_it_is_about() -> None:
    """A household names its applicant among the members: one entry, and their own."""
    lines = [
        line(at, "answered", "x", concerned=role) for at, role in enumerate(("subject", "household-member"))
    ]
    (entry,) = auskunft(*lines).entries
    assert entry.concerned is not None
    assert entry.concerned.code == "subject"


# --- what is open, how long it is kept ------------------------------------------------------------------------------
def test_an_open_request_names_what_was_asked_for() -> None:
    """Nothing is claimed to be handed over or kept back; the names asked for are told."""
    entry = told("asked", requested=["town", "religion"])
    assert [data.code for data in entry.covered] == ["religion", "town"]
    assert (entry.handed_over, entry.kept_back) == ((), ())


@pytest.mark.parametrize(
    ("origin", "day"),
    [
        ("m.example/24m/2026-11", date(2028, 11, 21)),
        ("m.example/3m/2026-11", date(2027, 2, 21)),
        ("m.example/12m/2026-11.2", date(2027, 11, 21)),
        ("m.example/long/2026-11", None),
        ("no origin", None),
    ],
)
def test_a_line_is_kept_as_long_as_its_class_says(origin: str, day: date | None) -> None:
    """To the day; a class that says nothing promises nothing."""
    assert kept_until(Place(origin, 1, "answered", NOON)) == day


def test_a_month_that_is_too_short_ends_the_time_on_its_last_day() -> None:
    """From 30 November on three months: there is no 30 February."""
    assert kept_until(Place("m.example/3m/2026-11", 1, "answered", NOON + timedelta(days=9))) == date(
        2027, 2, 28
    )


def test_the_sample_has_every_outcome_a_house_of_today_writes_under_a_person() -> None:
    """What pages and sheets are tested with is not poorer than the journal."""
    seen = {str(one.event["kind"]) for one in every_kind()[0] if one.event is not None}
    wanted = {
        "asked",
        "answered",
        "submitted",
        "refused",
        "no-data",
        "dead",
        "expired",
        "released",
        "read.by",
    }
    assert wanted | {"export.made", "consent.given", "consent.withdrawn"} <= seen
