"""Two lines for every exchange: `asked` gives the mandate to ask a register, `settled` the receipt to send a reply.

Every method here either commits and says where, or says why nothing was written. What a crash leaves: an exchange
that is asked and not settled is gone on with when its delivery comes back; one that is settled is only repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from consent.vocabulary import BasisUsed, Permit, ReasonCode, Refusal
from gateway import jws
from gateway.audit import record
from gateway.errors import Fault, JournalUnavailable
from gateway.journal import exempt, lines, outbox, overdue
from gateway.journal.overdue import Overdue
from gateway.journal.shards import OpenShard, Shards
from gateway.ports import (
    Committed,
    Entry,
    ExchangeKey,
    Ids,
    JournalStore,
    Keys,
    Known,
    Line,
    RecordEvent,
    RecordMoved,
    Release,
    Settlement,
    ShardMoved,
    Standing,
    StandingMoved,
    Use,
    UsedUp,
)
from gateway.stages import (
    Answer,
    Case,
    Delivery,
    Elsewhere,
    Enclosed,
    Filing,
    Heard,
    Late,
    Listed,
    Mandate,
    Moved,
    Outcome,
    Outgoing,
    Receipt,
    Recorded,
    Repeat,
    Sender,
    Unauthentic,
)

_ROLLS: Final = 5
"""How often a shard may close under one line before that is a fault and not midnight."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the journal keeps, and for how long."""

    default_class: str
    reply_days: float


class Journal:
    """The only maker of mandates and receipts."""

    def __init__(self, shards: Shards, store: JournalStore, keys: Keys, ids: Ids, keeping: Keeping) -> None:
        self._shards, self._store, self._keys, self._ids, self._keeping = shards, store, keys, ids, keeping

    # --- an exchange -----------------------------------------------------------------------------------------
    async def arrive(
        self, delivery: Delivery, sender: Sender | Unauthentic | Late, now: datetime
    ) -> Case | Repeat:
        """Out: the exchange this delivery is, new or gone on with; or what it was answered before."""
        if isinstance(sender, Unauthentic):
            return await self._outside(delivery, sender, now)
        known_sender = sender.sender if isinstance(sender, Late) else sender
        return await self._met(
            delivery, known_sender.consumer, known_sender.message_id, known_sender.digest, now
        )

    async def _outside(self, delivery: Delivery, sender: Unauthentic, now: datetime) -> Case | Repeat:
        """A stranger's delivery is the same again by all that the door saw of it; one whose key has ended on the
        way still ends the exchange it began, and is answered nothing."""
        signer = sender.signer
        if signer is not None:
            known = await self._store.recall(signer.consumer, signer.message_id, signer.digest, now)
            if known is not None and known.same:
                met = await self._met(delivery, signer.consumer, signer.message_id, signer.digest, now)
                return replace(met, message=None, refusal=None) if isinstance(met, Repeat) else met
        digest = jws.digest(lines.as_received(delivery))
        return await self._met(delivery, "", digest, digest, now)

    async def _met(
        self, delivery: Delivery, consumer: str, message: str, digest: str, now: datetime
    ) -> Case | Repeat:
        known = await self._store.recall(consumer, message, digest, now)
        first = (self._ids.new(), 1, message, consumer or None, digest, delivery.received)
        case = Case(*first, delivery.correlation_id, traceparent=delivery.traceparent)
        if known is None:
            return case
        if not known.same:
            return replace(case, secondary=True)
        if known.settled:
            return await self._repeat(known)
        return replace(
            case,
            exchange=known.exchange,
            attempt=known.attempt + 1,
            retention=known.retention,
            exempt_until=known.exempt_until.date() if known.exempt_until else None,
        )

    async def asked(
        self, case: Case, permit: Permit, sender: Sender, now: datetime
    ) -> Mandate | Moved | Refusal:
        """The first line, durable before any register is touched; a use of the basis is reserved with it."""
        retention = case.retention or permit.retention
        until = exempt.kept_until(case, permit.exempt)
        owner = lines.SEALED if until else lines.asker_named(permit.request.subject)

        def entry(shard: OpenShard) -> Entry:
            event = lines.asked(case, permit, sender, now)
            return Entry(
                origin=shard.origin,
                lines=(self._line(event, owner, shard, case.exchange),),
                now=now,
                exchange=_key(case, retention),
                standing=_standing(permit.policy, permit.basis),
                use=_use(permit.basis),
                release=exempt.seal(case.exchange, until, retention, (), self._keys) if until else None,
            )

        result, _ = await self._append(retention, now, entry)
        if isinstance(result, Committed):
            begun = replace(case, retention=retention, exempt_until=until)
            return Mandate(begun, permit, result.first, now)
        if isinstance(result, UsedUp):
            return lines.used_up(permit)
        return Moved()

    async def settled(
        self, case: Case, heard: Heard, outcome: Outcome, written: Enclosed | None, now: datetime
    ) -> tuple[Outgoing | None, Receipt] | Moved | Repeat | Elsewhere:
        """The terminal line; evidence is committed only while its basis and its policy stand (LOG.md 9.3).

        Out: the signed message to send and its receipt; Moved (nothing written: decide again); Repeat when
        another process settled the exchange first; Elsewhere when the message became another exchange's.
        """
        retention = lines.retention(case, heard, outcome) or self._keeping.default_class
        until = exempt.kept_until(case, *exempt.laws_of(heard, outcome))
        sender = heard.sender.sender if isinstance(heard.sender, Late) else heard.sender
        message: Outgoing | None = None

        def entry(shard: OpenShard) -> Entry:
            nonlocal message
            if written is not None and isinstance(sender, Sender):
                said = written.not_before or now
                addressed = self.addressed(case, sender, written, said)
                message = outbox.promised(addressed, case, sender, shard.origin, said, self._keys.gateway)
            told = lines.terminal(case, heard, outcome, written, now)
            ending = exempt.hidden(told) if until else told
            return Entry(
                origin=shard.origin,
                lines=self._lines(ending, shard, case.exchange),
                now=now,
                exchange=_key(case, retention),
                standing=_standing_of(outcome),
                settlement=Settlement(
                    kind=ending[0][1].kind,
                    keeps_use=isinstance(outcome, Answer | Filing),
                    reply=outbox.seal(message, case.exchange, self._keys) if message else None,
                    keep_until=now + timedelta(days=self._keeping.reply_days),
                ),
                records=(_event_of(outcome),) if isinstance(outcome, Recorded) else (),
                release=exempt.seal(case.exchange, until, retention, told, self._keys) if until else None,
            )

        result, shard = await self._append(retention, now, entry)
        match result:
            case Committed():
                return message, Receipt(result.first, await self._shards.checkpoint(result.head, shard))
            case Known(same=True, settled=True):
                return await self._repeat(result)
            case Known():
                return Elsewhere()
            case _:
                return Moved()

    async def postponed(self, case: Case, heard: Heard, fault: Fault, now: datetime) -> Receipt:
        """A retry will follow: a line that ends nothing."""
        retention = case.retention or (heard.mandate.permit.retention if heard.mandate else "")
        retention = retention or self._keeping.default_class

        def entry(shard: OpenShard) -> Entry:
            event = lines.postponed(case, heard, fault, now)
            line = self._line(event, lines.SEALED, shard, case.exchange)
            return Entry(shard.origin, (line,), now, exchange=_key(case, retention))

        result, shard = await self._append(retention, now, entry)
        if not isinstance(result, Committed):
            raise JournalUnavailable("journal")
        return Receipt(result.first, await self._shards.checkpoint(result.head, shard))

    async def expire(self, late: Overdue, now: datetime) -> bool:
        """An exchange that nobody goes on with ends without a reply. Out: False, when it has ended otherwise."""
        ending = overdue.ending(late, self._keys, self._ids, now)
        result, _ = await self._append(late.row.key.retention, now, ending)
        return isinstance(result, Committed)

    def addressed(self, case: Case, sender: Sender, written: Enclosed, now: datetime) -> Outgoing:
        """Out: the words as a signed message to the sender, without the promise of a journal line."""
        return outbox.addressed(case, sender, written, int(now.timestamp()), self._keys.gateway)

    def unsealed(self, exchange: str, sealed: bytes) -> Outgoing:
        """Out: a kept reply, the same bytes as the first time."""
        return outbox.unseal(sealed, exchange, self._keys)

    # --- what is not an exchange -----------------------------------------------------------------------------
    async def recorded(self, outcome: Recorded, now: datetime) -> Receipt | Moved:
        """A record or power moves on; the line is the person's, where the person is named by IDNr."""

        def entry(shard: OpenShard) -> Entry:
            told = self._lines([lines.recorded(outcome, now)], shard, outcome.step.record)
            standing = _standing_of(outcome)
            return Entry(shard.origin, told, now, standing=standing, records=(_event_of(outcome),))

        result, shard = await self._append(self._keeping.default_class, now, entry)
        return await self._receipt(result, shard)

    async def release(self, due: Release, now: datetime) -> bool:
        """The day has come: what was kept from its persons is told to them. Out: False, when it was done before.

        Raises: Fault, when what was kept can't be opened, or its day is another than it says.
        """
        told = exempt.open_due(due, self._keys, now)

        def entry(shard: OpenShard) -> Entry:
            return Entry(shard.origin, self._lines(told, shard, due.exchange), now, released=due.exchange)

        result, _ = await self._append(due.retention, now, entry)
        return isinstance(result, Committed)

    async def house_event(
        self,
        told: record.Event,
        now: datetime,
        policy: tuple[str, bytes] | None = None,
        subject: str | None = None,
        standing: Standing | None = None,
    ) -> Receipt | Moved:
        """A line about the house itself: a policy loaded (and switched to, in the same transaction), an export made.
        Out: Moved, where that stands on a policy which is another one's by now: nothing was written."""

        def entry(shard: OpenShard) -> Entry:
            line = self._line(told, lines.Owner(subject, system=not subject), shard, "")
            return Entry(shard.origin, (line,), now, standing=standing, policy=policy)

        result, shard = await self._append(self._keeping.default_class, now, entry)
        return await self._receipt(result, shard)

    async def begin_day(self, now: datetime) -> None:
        """What is due at midnight, whether or not anything happens (`Shards.begin_day`)."""
        await self._shards.begin_day(now)

    # --- the one way in --------------------------------------------------------------------------------------
    async def _append(
        self, retention: str, now: datetime, entry: Callable[[OpenShard], Entry]
    ) -> tuple[Committed | StandingMoved | UsedUp | RecordMoved | Known, OpenShard]:
        for _ in range(_ROLLS):
            shard = await self._shards.current(retention, now)
            result = await self._store.append(entry(shard))
            if not isinstance(result, ShardMoved):
                return result, shard
            await self._shards.stale(retention, now)
        raise JournalUnavailable(retention)

    def _lines(
        self, told: Sequence[tuple[lines.Owner, record.Event]], shard: OpenShard, exchange: str
    ) -> tuple[Line, ...]:
        return tuple(self._line(event, owner, shard, exchange) for owner, event in told)

    def _line(self, event: record.Event, owner: lines.Owner, shard: OpenShard, exchange: str) -> Line:
        return shard.line(lines.label_of(owner, shard, exchange), record.to_bytes(event), self._ids)

    async def _receipt(self, result: object, shard: OpenShard) -> Receipt | Moved:
        if isinstance(result, RecordMoved | StandingMoved):
            return Moved()
        if not isinstance(result, Committed):
            raise JournalUnavailable("journal")
        return Receipt(result.first, await self._shards.checkpoint(result.head, shard))

    async def _repeat(self, known: Known) -> Repeat:
        assert known.terminal is not None
        receipt = Receipt(known.terminal, await self._shards.covering(known.terminal))
        if known.reply is not None:
            return Repeat(known.exchange, self.unsealed(known.exchange, known.reply), None, receipt)
        code = ReasonCode.WITHDRAWN_SINCE if known.withdrawn else ReasonCode.ALREADY_SETTLED
        return Repeat(known.exchange, None, Refusal(code), receipt)


def _key(case: Case, retention: str) -> ExchangeKey:
    return ExchangeKey(
        case.exchange,
        case.consumer or "",
        case.message_id,
        case.digest,
        case.attempt,
        case.secondary,
        retention,
    )


def _standing(policy: str, basis: BasisUsed) -> Standing:
    return Standing(policy, basis.record, basis.revision, basis.not_after, basis.powers)


def _event_of(outcome: Recorded) -> RecordEvent:
    step = outcome.step
    return RecordEvent(step.record, step.revision, step.state, step.body(), outcome.receipt)


def _standing_of(outcome: Outcome) -> Standing | None:
    """Only what hands on evidence depends on the basis, and what is recorded or listed on the law that allowed it; a
    refusal and a withdrawal stand whatever has changed."""
    if isinstance(outcome, Listed):
        return Standing(outcome.policy)
    if isinstance(outcome, Recorded) and outcome.policy is not None:
        return Standing(outcome.policy, powers=outcome.powers)
    if not isinstance(outcome, Answer):
        return None
    permit = outcome.evidence.permit
    return _standing(permit.policy, permit.basis)


def _use(basis: BasisUsed) -> Use | None:
    return Use(basis.record, basis.max_uses) if basis.record is not None else None
