"""What became of a submission, and what the sender may be told of it (DOMAIN.md 3, checks 16 and 20).

Whether a register had the same facts already is itself a fact about the person: only who could ask for them is
told. A conflict is told to everyone, since the sender has to know that nothing was written; which fields differ,
only to who could ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from consent.minimise import no_data, refusal
from consent.vocabulary import (
    Blocked,
    Check,
    Conflict,
    Fact,
    Facts,
    Filed,
    NotFound,
    OnFile,
    Permit,
    ReasonCode,
    Refusal,
    Submitted,
    Withheld,
)


def receive(
    answer: Filed | OnFile | Conflict | Blocked | NotFound, permit: Permit, may_ask: bool, now: datetime
) -> Submitted | Withheld | Refusal:
    """In: what the register did; the permit it did it under; whether the sender could ask for these fields too.

    Out: what is journalled and told. Blocked, unknown and ambiguous persons are refused in the same words.
    """
    match answer:
        case NotFound():
            return no_data(permit, {Check.HOLD: Fact.NOT_NEEDED, Check.ANSWER: Fact.NOT_NEEDED})
        case Blocked(persons=persons):
            why = no_data(permit, {Check.HOLD: Fact.FAILED, Check.ANSWER: Fact.NOT_NEEDED})
            return Withheld(why, persons)
        case Conflict(persons=persons, fields=fields):
            facts = {Check.HOLD: Fact.PASSED, Check.ANSWER: Fact.FAILED}
            shown = fields if may_ask else frozenset()
            return Withheld(refusal(ReasonCode.CONFLICT, Check.ANSWER, permit, facts, shown), persons)
        case Filed(persons=persons, at=at):
            return Submitted(permit, permit.register, persons, at, _facts(permit), told=may_ask)
        case OnFile(persons=persons, since=since):
            return Submitted(
                permit, permit.register, persons, now, _facts(permit), on_file=True, since=since, told=may_ask
            )


def resumed(filed: Filed, register: str) -> Submitted:
    """In: what the register wrote before the house was interrupted, for a submission no longer permitted since.

    Out: the same as what happened: it can't be refused any more.
    """
    return Submitted(None, register, filed.persons, filed.at, MappingProxyType({}))


def _facts(permit: Permit) -> Facts:
    more: Mapping[Check, Fact] = {Check.HOLD: Fact.PASSED, Check.ANSWER: Fact.PASSED}
    return MappingProxyType({**permit.facts, **more})
