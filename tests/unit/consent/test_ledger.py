"""Records of choice and consent: a fold over events (DOMAIN.md 4)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
import rfc8785
from law_sample import REQUEST, policy

from consent.decide import decide
from consent.ledger import (
    ENDINGS,
    TRANSITIONS,
    Authentication,
    Named,
    Notice,
    Representation,
    Step,
    fold,
    may_follow,
    read_step,
    state_at,
)
from consent.vocabulary import PERMITTING, BasisKind, Permit, RecordState, Refusal

GIVEN, RENEWED, WITHDRAWN = RecordState.GIVEN, RecordState.RENEWED, RecordState.WITHDRAWN
START = datetime(2026, 11, 22, tzinfo=UTC)
NOW = START + timedelta(hours=12)


def step(revision: int = 1, state: RecordState = GIVEN, **different: Any) -> Step:
    said: dict[str, Any] = {
        "record": "r-1",
        "revision": revision,
        "state": state,
        "time": START,
        "kind": BasisKind.CHOICE,
        "subject": Named(birth_date=date(1990, 4, 1), family_name="Beispiel", given_name="Anna"),
        "controller": "musterstadt.example",
        "recipient": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "fields": frozenset({"town", "street"}),
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": "WG-2026-1",
        "norm": "EGovG § 5",
        "notice": Notice(version="1", sha256="0" * 64, language="de"),
        "channel": "online",
        "authentication": Authentication(level="high", event="a-1"),
        "not_before": START,
        "not_after": START + timedelta(days=1),
        "max_uses": 1,
        "recorded_by": "buergerportal",
    }
    return Step.model_validate({**said, **different})


def history(*states: RecordState) -> list[Step]:
    return [step(place, state) for place, state in enumerate(states, start=1)]


def test_one_event_is_a_record() -> None:
    """Given once: given, as told, in its first revision."""
    record = fold([step()], 0, authentic=True)
    assert (record.state, record.revision, record.authentic) == (GIVEN, 1, True)
    assert (record.recipient, record.register, record.case) == (
        "wohngeldstelle",
        "melderegister",
        "WG-2026-1",
    )
    assert record.fields == {"town", "street"}
    assert record.subject.family_name == "Beispiel"
    assert isinstance(decide(REQUEST, policy({}), [record], NOW), Permit)


def test_no_event_is_no_record() -> None:
    """There is nothing to fold."""
    with pytest.raises(ValueError, match="without events"):
        fold([], 0, authentic=True)


@pytest.mark.parametrize("after", [(), (RENEWED,), (GIVEN,), (RecordState.INVALIDATED,)])
@pytest.mark.parametrize("ending", [WITHDRAWN, RecordState.REVOKED])
def test_a_withdrawal_wins_whatever_comes_after(ending: RecordState, after: tuple[RecordState, ...]) -> None:
    """Nothing that is appended to a withdrawn record brings it back."""
    record = fold(history(GIVEN, ending, *after), 0, authentic=True)
    assert record.state is ending
    assert isinstance(decide(REQUEST, policy({}), [record], NOW), Refusal)


def test_a_renewal_counts_with_its_own_terms() -> None:
    """A new end and new fields are those the person decided last."""
    later = START + timedelta(days=9)
    renewed = step(2, RENEWED, not_after=later, max_uses=None, fields=frozenset({"town"}))
    record = fold([step(), renewed], 3, authentic=True)
    assert (record.state, record.revision, record.not_after, record.uses) == (RENEWED, 2, later, 3)
    assert (record.max_uses, record.fields) == (None, frozenset({"town"}))
    assert record.authentic


def test_a_withdrawn_record_keeps_the_terms_that_were_given() -> None:
    """What is told about it is what the person had agreed to."""
    ended = step(2, WITHDRAWN, fields=frozenset({"religion"}))
    assert fold([step(), ended], 0, authentic=True).fields == {"town", "street"}


@pytest.mark.parametrize(
    "steps",
    [
        [step(2)],
        [step(), step(3, RENEWED)],
        [step(), step(1, RENEWED)],
        [step(1, RENEWED)],
        [step(1, RecordState.DEFERRED), step(2, GIVEN)],
        [step(1, RecordState.REFUSED), step(2, GIVEN)],
        [step(), step(2, GIVEN)],
        *(
            [step(), step(2, RENEWED, **{name: value})]
            for name, value in {
                "record": "r-2",
                "kind": BasisKind.CONSENT,
                "subject": Named(birth_date=date(1990, 4, 1), family_name="Beispiel", given_name="Otto"),
                "controller": "other.example",
                "recipient": "buergerportal",
                "register": "personenstandsregister",
                "evidence": "birth",
                "purpose": "parking",
                "procedure": "parkausweis",
                "case": "WG-2026-2",
            }.items()
        ),
    ],
)
def test_a_history_that_does_not_hold_together_is_not_authentic(steps: list[Step]) -> None:
    """A gap, a forbidden step or a changed matter: nothing is permitted on it."""
    assert not fold(steps, 0, authentic=True).authentic


def test_a_receipt_that_does_not_verify_is_not_authentic() -> None:
    """However well the history holds together."""
    assert not fold([step()], 0, authentic=False).authentic


def test_endings_end() -> None:
    """After withdrawal, revocation and invalidation nothing follows; before them anything may end."""
    for before, after in product(RecordState, RecordState):
        if before in ENDINGS:
            assert not may_follow(before, after)
        elif after in ENDINGS:
            assert may_follow(before, after)


def test_the_table_knows_every_state() -> None:
    """No state is forgotten, and a record does not begin with its end."""
    assert TRANSITIONS.keys() == {None, *RecordState}
    assert {after for after in RecordState if may_follow(None, after)} == {
        RecordState.REQUESTED,
        GIVEN,
        RecordState.REFUSED,
    }


def test_only_from_a_decision_of_the_person_comes_a_permission() -> None:
    """Given follows only the beginning, a request or a deferral; renewed only what was once given."""
    assert {before for before in TRANSITIONS if may_follow(before, GIVEN)} == {
        None,
        RecordState.REQUESTED,
        RecordState.DEFERRED,
    }
    assert {before for before in TRANSITIONS if may_follow(before, RENEWED)} == {
        *PERMITTING,
        RecordState.EXPIRED,
        RecordState.CONSUMED,
    }


@pytest.mark.parametrize(
    ("uses", "seconds", "state"),
    [(0, 0, GIVEN), (1, 0, RecordState.CONSUMED), (0, 86_400, RecordState.EXPIRED), (0, 86_399, GIVEN)],
)
def test_expired_and_consumed_are_computed(uses: int, seconds: int, state: RecordState) -> None:
    """No event is needed for time to pass."""
    assert state_at(fold([step()], uses, authentic=True), START + timedelta(seconds=seconds)) is state
    ended = fold(history(GIVEN, WITHDRAWN), uses, authentic=True)
    assert state_at(ended, START + timedelta(seconds=seconds)) is WITHDRAWN


# --- bytes ----------------------------------------------------------------------------------------------------
def test_the_body_is_rfc_8785() -> None:
    """Byte for byte what an independent canonicaliser makes of it, also with odd characters."""
    odd = Named(birth_date=date(1990, 4, 1), family_name='B\u2028e"i\\sö\U0001f600', given_name="A")
    body = step(subject=odd, time=datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1)))).body()
    assert rfc8785.dumps(json.loads(body)) == body
    assert json.loads(body)["time"] == "2026-11-22T00:00:00Z"
    assert json.loads(body)["fields"] == ["street", "town"]
    assert b"null" not in body


def test_what_was_written_is_read_again() -> None:
    """An event is its bytes, with everything optional too."""
    full = step(
        channel="paper",
        scan_sha256="1" * 64,
        representative=Representation(record="v-1", proof="guardianship"),
        recipient_keeps_days=30,
        previous="r-0",
        evidence_version="1",
    )
    assert read_step(full.body()) == full
    assert read_step(step().body()) == step()


SECRET = "Geheimnisname"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"subject": None}, "subject: "),
        ({"state": SECRET}, "state: enum"),
        ({SECRET: 1}, "body: extra_forbidden"),
        ({"max_uses": 0}, "max_uses: "),
        ({"kind": "statutory"}, "kind: "),
        ({"not_after": "2026-11-22T00:00:00Z"}, "body: value_error"),
        ({"time": "2026-11-22T00:00:00"}, "time: "),
        ({"time": "2026-11-22T00:00:00.5Z"}, "RFC 8785"),
        ({"fields": ["town", "street"]}, "RFC 8785"),
        ({"channel": "paper"}, "body: value_error"),
        ({"subject": {"birth_date": "1990-04-01", "family_name": SECRET}}, "body: value_error"),
    ],
    ids=str,
)
def test_other_bytes_are_no_event(change: dict[str, Any], why: str) -> None:
    """Unknown members, missing ones, other forms of the same: refused, and nothing of them is told."""
    body = rfc8785.dumps({**json.loads(step().body()), **change})
    with pytest.raises(ValueError, match=why) as wrong:
        read_step(body)
    assert SECRET not in str(wrong.value)
    assert wrong.value.__cause__ is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", step().body() + b"\n", step().body().replace(b'":"', b'": "', 1)]
)
def test_half_or_padded_bytes_are_no_event(body: bytes) -> None:
    """There is one way to write an event."""
    with pytest.raises(ValueError, match=r"not an event|RFC 8785"):
        read_step(body)


def test_nobody_is_named_in_a_representation() -> None:
    """An event can be printed without telling whom it is about."""
    assert "Beispiel" not in repr(step())
    assert "1990" not in repr(step())
