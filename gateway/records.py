"""Choices and consents as the house keeps them: signed when they are appended, checked whenever they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from consent.ledger import Named, Step, fold, may_follow, read_step
from consent.vocabulary import Record, RecordState
from gateway import jws
from gateway.audit.record import Basis, Event, Kind
from gateway.journal import Journal
from gateway.jws import Find, SigningKey
from gateway.ports import ConsentStore, RecordEvent
from gateway.stages import Moved, Receipt

RECORD_TYPE: Final = "einmal-record+jws"
_REMEMBERED: Final = 10_000


class NotAllowed(Exception):
    """The record can't take this step. Says which states, never whose."""

    def __init__(self, before: RecordState | None, after: RecordState) -> None:
        super().__init__(f"a record that is {before or 'not there'} can't become {after}")
        self.before, self.after = before, after


def own_key(key: SigningKey) -> Find:
    """Out: how the house finds its own signing key, as anyone would: by the public half."""
    public = jws.PublicKey(
        key.kid,
        jws.public_key(jws.public_jwk(key)),
        "sig",
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    )
    return lambda kid: public if kid == key.kid else None


def folding(find: Find) -> Callable[[Sequence[RecordEvent], int], Record]:
    """Out: how a record is made of its events: `authentic` only if the house's receipt over each one verifies."""

    @lru_cache(maxsize=_REMEMBERED)
    def vouched(receipt: str, body: bytes) -> bool:
        try:
            return jws.verify_compact(receipt, RECORD_TYPE, find) == body
        except jws.SignatureInvalid:
            return False

    @lru_cache(maxsize=_REMEMBERED)
    def step(body: bytes) -> Step:
        return read_step(body)

    def folded(events: Sequence[RecordEvent], uses: int) -> Record:
        authentic = all(vouched(event.receipt, event.body) for event in events)
        return fold([step(event.body) for event in events], uses, authentic)

    return folded


async def begin(step: Step, journal: Journal, key: SigningKey, now: datetime) -> Receipt | Moved:
    """Append a record's first event. Raises: NotAllowed."""
    if not may_follow(None, step.state):
        raise NotAllowed(None, step.state)
    return await _append(step, journal, key, now)


async def move(
    record: str, state: RecordState, store: ConsentStore, journal: Journal, key: SigningKey, now: datetime
) -> Receipt | Moved:
    """Take a record to another state, on the same terms; it acts at this commit. Raises: NotAllowed, KeyError."""
    events = await store.events(record)
    if not events:
        raise KeyError(record)
    last = read_step(events[-1].body)
    if not may_follow(last.state, state):
        raise NotAllowed(last.state, state)
    step = last.model_copy(update={"state": state, "revision": last.revision + 1, "time": now})
    return await _append(step, journal, key, now)


async def _append(step: Step, journal: Journal, key: SigningKey, now: datetime) -> Receipt | Moved:
    body = step.body()
    event = RecordEvent(
        step.record, step.revision, step.state, body, jws.sign_compact(body, RECORD_TYPE, key)
    )
    return await journal.recorded(event, _named(step.subject), _told(step, now), now)


def _named(subject: Named) -> str | None:
    return f"idnr:{subject.idnr}" if subject.idnr else None


def _told(step: Step, now: datetime) -> Event:
    return Event(
        kind=Kind(f"consent.{step.state}"),
        time=now,
        consumer=step.recipient,
        register=step.register_,
        evidence=step.evidence,
        purpose=step.purpose,
        procedure=step.procedure,
        case=step.case,
        basis=Basis(kind=step.kind, norm=step.norm, record=step.record, revision=step.revision),
        requested=tuple(sorted(step.fields)),
    )
