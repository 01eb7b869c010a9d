"""What a recorder asks of the house's ledger: to record a decision or a power, to end one, to list a person's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from consent.ledger import Terms
from consent.powers import PowerTerms
from consent.vocabulary import BasisClaim, Request


@dataclass(frozen=True, slots=True)
class Give:
    """`consent.give`: record what somebody decided, or who may act for somebody."""

    request: Request
    """Of action `record`, with what the terms say of it: who records, about whom, for what."""
    terms: Terms | PowerTerms = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withdraw:
    """`consent.withdraw`: end a record or a power. As easy as giving it (GDPR Art. 7(3)): no reason is asked."""

    request: Request
    record: str


@dataclass(frozen=True, slots=True)
class Listing:
    """`consent.list`: a person's records, as far as the sender may record them."""

    request: Request


Order: TypeAlias = Give | Withdraw | Listing


def giving(order: Request, terms: Terms | PowerTerms) -> Give:
    """In: who records, and how they said so; what was decided. Out: the order, its request saying what the terms do."""
    order = replace(order, subject=terms.subject.subject())
    if isinstance(terms, PowerTerms):
        return Give(order, terms)
    wanted = replace(
        order,
        evidence=terms.evidence,
        purpose=terms.purpose,
        procedure=terms.procedure,
        case=terms.case,
        basis=BasisClaim(terms.kind, terms.previous, terms.norm),
        fields=terms.fields,
        register=terms.register_,
        representative=terms.representative.record if terms.representative else None,
    )
    return Give(wanted, terms)
