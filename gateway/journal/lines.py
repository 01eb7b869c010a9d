"""What the lines of an exchange say, and whose they are (LOG.md 5, DOMAIN.md 5). Codes and names, never a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from consent.held import AnyStep
from consent.idnr import is_idnr
from consent.ledger import Step
from consent.vocabulary import (
    Check,
    Fact,
    Permit,
    Person,
    ReasonCode,
    Record,
    Refusal,
    Subject,
    Withheld,
)
from gateway.audit.record import (
    Digests,
    Event,
    Integrity,
    Kind,
    RemovedField,
    SchemaVerdict,
    Times,
)
from gateway.errors import Fault
from gateway.journal import parts
from gateway.journal.shards import OpenShard
from gateway.stages import (
    Answer,
    Case,
    Delivery,
    Enclosed,
    Failure,
    Filing,
    Heard,
    Listed,
    Outcome,
    Recorded,
    Sender,
    Unauthentic,
)

_LATE: Final = frozenset({ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH})


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose label a line carries: a person's, the house's own (`system`), or, with neither, the exchange's seal."""

    subject: str | None = None
    system: bool = False


SEALED: Final = Owner()
SYSTEM: Final = Owner(system=True)


def label_of(owner: Owner, shard: OpenShard, exchange: str) -> bytes:
    """Out: the owner's label in that shard."""
    if owner.system:
        return shard.system
    return shard.person(owner.subject) if owner.subject else shard.sealed(exchange)


def asker_named(subject: Subject) -> Owner:
    """Out: the person, if the asker named them by IDNr; nobody else is known before a register has resolved them."""
    return Owner(f"idnr:{subject.idnr}") if subject.idnr and is_idnr(subject.idnr) else SEALED


# --- the events of an exchange -----------------------------------------------------------------------------------
def asked(case: Case, permit: Permit, sender: Sender, now: datetime) -> Event:
    """The line before a register is touched."""
    return Event(
        kind=Kind.ASKED,
        time=now,
        **(parts.case_of(case) | parts.request_of(permit.request, permit.fields) | parts.permit_of(permit)),
        facts=dict(permit.facts),
        digests=Digests(request=case.digest, policy=permit.policy),
        integrity=Integrity(alg=sender.alg, ok=True),
        verdict=SchemaVerdict(schema="valid"),
        times=Times(received=case.received, decided=permit.decided),
    )


def postponed(case: Case, heard: Heard, fault: Fault, now: datetime) -> Event:
    """A curable fault: the next attempt will say more."""
    return Event(
        kind=Kind.POSTPONED,
        time=now,
        **parts.case_of(case),
        **parts.heard_of(heard),
        reasons=(str(fault.code),),
    )


def terminal(
    case: Case, heard: Heard, outcome: Outcome, written: Enclosed | None, now: datetime
) -> list[tuple[Owner, Event]]:
    """Out: the line or lines that end the exchange: one for each person whose data is in the evidence."""
    common = {
        **parts.case_of(case),
        **parts.heard_of(heard),
        "time": now,
        "digests": parts.digests(case, heard, outcome, written),
        "integrity": parts.integrity(heard),
        "times": parts.times_of(case, heard, outcome, now),
    }
    match outcome:
        case Recorded(step=step):
            return [(_named_in(step), Event(**{**common, **parts.step_of(step)}))]
        case Listed(records=records):
            return [(_listed_of(records, heard), Event(kind=Kind.READ_BY, **common))]
        case Filing(submitted=submitted):
            said = {**common, **parts.submitted_of(submitted)}
            return _each(submitted.persons, Kind.SUBMITTED, said)
        case Answer(evidence=evidence):
            said = {
                **common,
                **parts.permit_of(evidence.permit),
                "released": tuple(sorted(evidence.values)),
                "removed": tuple(RemovedField(field=r.field, rule=r.rule) for r in evidence.removed) or None,
                "facts": {**evidence.facts, Check.BOUNDARY: Fact.PASSED, Check.ANSWER: Fact.PASSED},
            }
            return _each(evidence.persons, Kind.ANSWERED, said)
        case Withheld(refusal=refusal, persons=persons):
            return _each(persons, _kind(refusal.code), {**common, **parts.refusal_of(refusal)})
        case Unauthentic(refusal=refusal):
            return [(SYSTEM, Event(kind=Kind.QUARANTINED, **{**common, **parts.refusal_of(refusal)}))]
        case Failure(code=code, exhausted=exhausted):
            kind = Kind.DEAD if exhausted else Kind.FAILED
            return [(_named(heard), Event(kind=kind, **{**common, "reasons": (str(code),)}))]
        case _:
            owner = SEALED if outcome.code is ReasonCode.NO_DATA else _named(heard)
            said = {**common, **parts.refusal_of(outcome)}
            return [(owner, Event(kind=_kind(outcome.code), **said))]


def _each(persons: Sequence[Person], kind: Kind, said: dict[str, Any]) -> list[tuple[Owner, Event]]:
    """Out: a line for each person; a sealed one where the register names nobody: an exchange always ends in one."""
    lines = [
        (Owner(person.subject), Event(kind=kind, concerned=person.concerned, **said)) for person in persons
    ]
    return lines or [(SEALED, Event(kind=kind, **said))]


def ended_as(outcome: Outcome) -> tuple[Kind, str]:
    """Out: how an exchange has ended, as it is counted: the kind of its line, also where that is sealed, and the code
    that its asker is told; an empty one, where there is none."""
    match outcome:
        case Recorded(step=step):
            return parts.step_of(step)["kind"], ""
        case Listed():
            return Kind.READ_BY, ""
        case Filing():
            return Kind.SUBMITTED, ""
        case Answer():
            return Kind.ANSWERED, ""
        case Unauthentic(refusal=refusal):
            return Kind.QUARANTINED, refusal.code
        case Failure(code=code, exhausted=exhausted):
            return Kind.DEAD if exhausted else Kind.FAILED, code
        case Withheld(refusal=refusal):
            return _kind(refusal.code), refusal.code
        case _:
            return _kind(outcome.code), outcome.code


def recorded(outcome: Recorded, now: datetime) -> tuple[Owner, Event]:
    """Out: the line of a record's or power's event that came by no message, and whose it is. The consumer is the
    one it is for; where it came by message, the one who sent that."""
    step = outcome.step
    consumer = step.recipient if isinstance(step, Step) else None
    told = Event(
        time=now,
        consumer=consumer,
        actor=step.recorded_by,
        digests=Digests(policy=outcome.policy) if outcome.policy else None,
        **parts.step_of(step),
    )
    return _named_in(step), told


def retention(case: Case, heard: Heard, outcome: Outcome) -> str | None:
    """Out: the class of all lines of this exchange, if anything names one yet."""
    if case.retention:
        return case.retention
    if heard.mandate is not None:
        return heard.mandate.permit.retention
    return outcome.retention if isinstance(outcome, Refusal) else None


def used_up(permit: Permit) -> Refusal:
    """No use was left when the first line was to be written: another exchange took the last one."""
    return Refusal(
        ReasonCode.BASIS_USED_UP,
        {**permit.facts, Check.BASIS_USES: Fact.FAILED},
        grant=permit.grant,
        basis=permit.basis,
        register=permit.register,
        retention=permit.retention,
        policy=permit.policy,
        checks=(Check.BASIS_USES,),
    )


def as_received(delivery: Delivery) -> bytes:
    """Out: what makes an unauthentic delivery the same one again: everything the door saw of it."""
    told = (
        delivery.user_id,
        delivery.routing_key,
        delivery.reply_to,
        delivery.message_id,
        delivery.jws or "",
    )
    return b"\0".join([*(part.encode("utf-8", "replace") for part in told), delivery.body])


# --- whose a line is, and of which kind ---------------------------------------------------------------------------
def _named_in(step: AnyStep) -> Owner:
    return Owner(f"idnr:{step.subject.idnr}") if step.subject.idnr else SEALED


def _named(heard: Heard) -> Owner:
    return asker_named(heard.request.subject) if heard.request else SEALED


def _listed_of(records: Sequence[Record], heard: Heard) -> Owner:
    """Out: the person by the number that the asker or one of their records says."""
    numbers = {record.subject.idnr for record in records if record.subject.idnr}
    return Owner(f"idnr:{numbers.pop()}") if len(numbers) == 1 else _named(heard)


def _kind(code: ReasonCode) -> Kind:
    if code is ReasonCode.NO_DATA:
        return Kind.NO_DATA
    return Kind.EXPIRED if code in _LATE else Kind.REFUSED
