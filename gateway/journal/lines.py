"""What the lines of an exchange say, and whose they are (LOG.md 5, DOMAIN.md 5). Codes and names, never a value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from consent.held import AnyStep
from consent.idnr import is_idnr
from consent.ledger import Step
from consent.vocabulary import (
    BasisUsed,
    Check,
    Fact,
    Permit,
    Person,
    ReasonCode,
    Record,
    Refusal,
    Request,
    Subject,
    Submitted,
    Withheld,
)
from gateway import jws
from gateway.audit.record import (
    Asked,
    Basis,
    Digests,
    Event,
    Integrity,
    Kind,
    RemovedField,
    SchemaVerdict,
    Times,
)
from gateway.errors import Fault
from gateway.journal.shards import OpenShard
from gateway.stages import (
    Answer,
    Case,
    Delivery,
    Failure,
    Filing,
    Heard,
    Listed,
    Mandate,
    Outcome,
    Recorded,
    Sender,
    Unauthentic,
    Written,
)

ON_FILE: Final = "already-on-file"
"""The reason of a submission of which nothing had to be written."""
_CODE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,300}\Z")
_LATE: Final = frozenset({ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH})
_UNREADABLE: Final = frozenset({ReasonCode.MALFORMED, ReasonCode.SCHEMA_INVALID, ReasonCode.TOO_LARGE})


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
        **(_case(case) | _request(permit.request, permit.fields) | _permit(permit)),
        facts=dict(permit.facts),
        digests=Digests(request=case.digest, policy=permit.policy),
        integrity=Integrity(alg=sender.alg, ok=True),
        verdict=SchemaVerdict(schema="valid"),
        times=Times(received=case.received, decided=permit.decided),
    )


def postponed(case: Case, heard: Heard, fault: Fault, now: datetime) -> Event:
    """A curable fault: the next attempt will say more."""
    return Event(kind=Kind.POSTPONED, time=now, **_case(case), **_heard(heard), reasons=(str(fault.code),))


def terminal(
    case: Case, heard: Heard, outcome: Outcome, written: Written | None, now: datetime
) -> list[tuple[Owner, Event]]:
    """Out: the line or lines that end the exchange: one for each person whose data is in the evidence."""
    common = {
        **_case(case),
        **_heard(heard),
        "time": now,
        "digests": _digests(case, heard, outcome, written),
        "integrity": _integrity(heard),
        "times": _times(case, heard, outcome, now),
    }
    match outcome:
        case Recorded(step=step):
            return [(_named_in(step), Event(**{**common, **_step(step)}))]
        case Listed(records=records):
            return [(_listed_of(records, heard), Event(kind=Kind.READ_BY, **common))]
        case Filing(submitted=submitted):
            said = {**common, **_submitted(submitted)}
            return _each(submitted.persons, Kind.SUBMITTED, said)
        case Answer(evidence=evidence):
            said = {
                **common,
                **_permit(evidence.permit),
                "released": tuple(sorted(evidence.values)),
                "removed": tuple(RemovedField(field=r.field, rule=r.rule) for r in evidence.removed) or None,
                "facts": {**evidence.facts, Check.BOUNDARY: Fact.PASSED, Check.ANSWER: Fact.PASSED},
            }
            return _each(evidence.persons, Kind.ANSWERED, said)
        case Withheld(refusal=refusal, persons=persons):
            return _each(persons, _kind(refusal.code), {**common, **_refusal(refusal)})
        case Unauthentic(refusal=refusal):
            return [(SYSTEM, Event(kind=Kind.QUARANTINED, **{**common, **_refusal(refusal)}))]
        case Failure(code=code, exhausted=exhausted):
            kind = Kind.DEAD if exhausted else Kind.FAILED
            return [(_named(heard), Event(kind=kind, **{**common, "reasons": (str(code),)}))]
        case _:
            owner = SEALED if outcome.code is ReasonCode.NO_DATA else _named(heard)
            said = {**common, **_refusal(outcome)}
            return [(owner, Event(kind=_kind(outcome.code), **said))]


def _each(persons: Sequence[Person], kind: Kind, said: dict[str, Any]) -> list[tuple[Owner, Event]]:
    """Out: a line for each person; a sealed one where the register names nobody: an exchange always ends in one."""
    lines = [
        (Owner(person.subject), Event(kind=kind, concerned=person.concerned, **said)) for person in persons
    ]
    return lines or [(SEALED, Event(kind=kind, **said))]


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
        **_step(step),
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


# --- parts -----------------------------------------------------------------------------------------------------
def _case(case: Case) -> dict[str, Any]:
    return {
        "exchange": case.exchange,
        "attempt": case.attempt,
        "message": _code(case.message_id) if case.consumer else None,
        "consumer": case.consumer,
    }


def _heard(heard: Heard) -> dict[str, Any]:
    if heard.request is None:
        return {}
    mandate = heard.mandate
    told = _request(heard.request, mandate.permit.fields if mandate else frozenset())
    if mandate is not None:
        told |= _permit(mandate.permit)
        told["facts"] = dict(mandate.permit.facts)
        told["asked"] = Asked(origin=mandate.asked.origin, index=mandate.asked.index)
    return told


def _request(request: Request, fields: frozenset[str]) -> dict[str, Any]:
    standard, _, version = request.language.partition("/")
    return {
        "on_behalf_of": _code(request.on_behalf_of),
        "register": _code(request.register),
        "evidence": _code(request.evidence),
        "standard": standard or None,
        "version": version or None,
        "purpose": _code(request.purpose),
        "procedure": _code(request.procedure),
        "case": _code(request.case),
        "requested": tuple(sorted(name for name in request.fields or fields if _code(name))) or None,
    }


def _submitted(submitted: Submitted) -> dict[str, Any]:
    told: dict[str, Any] = {"register": submitted.register}
    if submitted.permit is not None:
        told |= _permit(submitted.permit)
    if submitted.facts:
        told["facts"] = dict(submitted.facts)
    if submitted.on_file:
        return told | {"reasons": (ON_FILE,)}
    return told


def _step(step: AnyStep) -> dict[str, Any]:
    """Out: what an event of a record or power adds to its line."""
    kept = Basis(
        kind=step.kind if isinstance(step, Step) else None,
        norm=_code(step.norm),
        record=step.record,
        revision=step.revision,
    )
    told: dict[str, Any] = {"kind": Kind(f"consent.{step.state}"), "basis": kept}
    if isinstance(step, Step):
        told |= {
            "register": step.register_,
            "evidence": step.evidence,
            "purpose": step.purpose,
            "procedure": step.procedure,
            "case": _code(step.case),
            "requested": tuple(sorted(step.fields)),
        }
    return told


def _permit(permit: Permit) -> dict[str, Any]:
    return {"register": permit.register, "grant": permit.grant, "basis": _basis(permit.basis)}


def _refusal(refusal: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"reasons": (str(refusal.code),)}
    if refusal.facts:
        told["facts"] = dict(refusal.facts)
    if refusal.grant is not None:
        told["grant"] = refusal.grant
    if refusal.basis is not None:
        told["basis"] = _basis(refusal.basis)
    if refusal.register is not None:
        told["register"] = refusal.register
    if refusal.code is ReasonCode.FIELDS_NOT_PERMITTED and refusal.fields:
        told["removed"] = tuple(
            RemovedField(field=name, rule="grant" if name in refusal.beyond_grant else "record")
            for name in sorted(name for name in refusal.fields if _code(name))
        )
    if refusal.findings or refusal.code in _UNREADABLE:
        rules = tuple(dict.fromkeys(finding.split(" ", 1)[0] for finding in refusal.findings))
        told["verdict"] = SchemaVerdict(schema="invalid", rules=rules or None)
    return told


def _basis(basis: BasisUsed) -> Basis:
    return Basis(kind=basis.kind, norm=_code(basis.norm), record=_code(basis.record), revision=basis.revision)


def _digests(case: Case, heard: Heard, outcome: Outcome, written: Written | None) -> Digests:
    decided = heard.mandate.permit.policy if heard.mandate else None
    policy = outcome.policy if isinstance(outcome, Recorded | Listed | Refusal) else None
    if isinstance(outcome, Answer):
        policy = outcome.evidence.permit.policy
    policy = policy or decided
    return Digests(request=case.digest, reply=jws.digest(written.body) if written else None, policy=policy)


def _integrity(heard: Heard) -> Integrity:
    sender = heard.sender
    if isinstance(sender, Unauthentic):
        return Integrity(alg="none", ok=False)
    return Integrity(alg=sender.alg if isinstance(sender, Sender) else sender.sender.alg, ok=True)


def _times(case: Case, heard: Heard, outcome: Outcome, now: datetime) -> Times:
    mandate: Mandate | None = heard.mandate
    decided = mandate.permit.decided if mandate else None
    if isinstance(outcome, Answer):
        decided = outcome.evidence.permit.decided
    return Times(received=case.received, decided=decided, asked=mandate.at if mandate else None, answered=now)


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


def _code(text: str | None) -> str | None:
    """Out: the asker's word, if an event can hold it."""
    return text if text and _CODE.match(text) else None
