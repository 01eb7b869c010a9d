"""From bytes to an order for the house's ledger: JSON only, every word in its place, nothing more than the models."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from law_sample import sample as policy_sample
from spoken import JSON, MESSAGE, XML, contents, delivery, languages, sample, sender

from consent.ledger import Terms
from consent.orders import Give, Listing, Withdraw
from consent.powers import PowerTerms
from consent.vocabulary import Action, BasisClaim, BasisKind, ReasonCode
from gateway import inbound
from gateway.stages import Errand, Misread

HEAD: Final = {"message_id": MESSAGE, "created": "2026-11-21T20:15:00.000Z"}
PERSON: Final = {"idnr": "02468135774", "birth_date": "1990-02-28"}
OTHER: Final = {"family_name": "Muster", "given_name": "Max", "birth_date": "1970-01-01"}
DECISION: Final[dict[str, Any]] = {
    "kind": "choice",
    "subject": PERSON,
    "controller": "Stadt Musterstadt",
    "recipient": "wohngeldstelle",
    "register": "melderegister",
    "evidence": "residence",
    "fields": ["street", "town"],
    "purpose": "housing-benefit",
    "procedure": "wohngeld-antrag",
    "case": "WG-1",
    "norm": "EGovG § 5",
    "notice": {"version": "1", "sha256": "0" * 64, "language": "de"},
    "channel": "online",
    "authentication": {"level": "high", "event": "test"},
    "representative": {"record": "p-1", "proof": "guardianship"},
    "not_before": "2026-11-21T00:00:00Z",
    "not_after": "2026-12-21T00:00:00Z",
    "previous": "c-0",
}
POWER: Final[dict[str, Any]] = {
    "kind": "representation",
    "subject": PERSON,
    "representative": OTHER,
    "proof": "guardianship",
    "norm": "BGB § 1814",
    "authentication": {"level": "high", "event": "test"},
    "not_before": "2026-11-21T00:00:00Z",
    "not_after": "2027-11-21T00:00:00Z",
}


def heard(question: str, said: dict[str, Any] | bytes, **different: Any) -> Errand | Misread:
    """Out: what the house makes of it, sent by housing benefit."""
    body = said if isinstance(said, bytes) else json.dumps(HEAD | said).encode()
    told = {"routing_key": f"wohngeldstelle.consent.{question}"} | different
    content_type = told.pop("content_type", JSON)
    return inbound.read(
        contents(delivery(body, content_type, **told)), sender(), policy_sample(), languages()
    )


def refused(question: str, said: dict[str, Any] | bytes, **different: Any) -> ReasonCode:
    found = heard(question, said, **different)
    assert isinstance(found, Misread), "it was understood"
    return found.refusal.code


def test_a_decision_is_an_order_that_says_what_its_terms_say() -> None:
    """Who records is who sent it; person, matter, basis and power are those of the terms."""
    order = heard("give", {"terms": DECISION})
    assert isinstance(order, Give)
    assert isinstance(order.terms, Terms)
    request = order.request
    assert (request.action, request.consumer, request.message) == (Action.RECORD, "wohngeldstelle", MESSAGE)
    assert request.subject == order.terms.subject.subject()
    assert (request.evidence, request.register, request.case) == ("residence", "melderegister", "WG-1")
    assert (request.purpose, request.procedure) == ("housing-benefit", "wohngeld-antrag")
    assert request.basis == BasisClaim(BasisKind.CHOICE, "c-0", "EGovG § 5")
    assert (request.fields, request.representative) == (frozenset({"street", "town"}), "p-1")
    assert not request.test


def test_a_power_is_an_order_about_the_person_alone() -> None:
    """It is for no evidence, no purpose and no application."""
    order = heard("give", {"terms": POWER, "test": True})
    assert isinstance(order, Give)
    assert isinstance(order.terms, PowerTerms)
    request = order.request
    assert request.subject == order.terms.subject.subject()
    assert (request.evidence, request.purpose, request.procedure, request.case) == ("", "", "", "")
    assert (request.basis, request.fields, request.register) == (BasisClaim(), frozenset(), None)
    assert request.test


def test_a_record_is_ended_and_a_persons_are_listed() -> None:
    """By its id and the person; by the person."""
    ending, listing = (
        heard("withdraw", {"record": "c-1", "subject": PERSON}),
        heard("list", {"subject": OTHER}),
    )
    assert isinstance(ending, Withdraw)
    assert (ending.record, ending.request.basis.record, ending.request.subject.idnr) == (
        "c-1",
        "c-1",
        PERSON["idnr"],
    )
    assert isinstance(listing, Listing)
    assert listing.request.subject.family_name == "Muster"
    assert {ending.request.action, listing.request.action} == {Action.RECORD}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("give", {}),
        ("give", {"terms": []}),
        ("give", {"terms": {}}),
        ("give", {"terms": DECISION, "recorded_by": "buergerportal"}),
        ("give", {"terms": DECISION | {"recorded_by": "buergerportal"}}),
        ("give", {"terms": DECISION | {"record": "c-1", "revision": 1}}),
        ("give", {"terms": DECISION | {"kind": "statutory"}}),
        ("give", {"terms": DECISION | {"kind": "representation"}}),
        ("give", {"terms": POWER | {"kind": "consent"}}),
        ("give", {"terms": DECISION | {"fields": []}}),
        ("give", {"terms": DECISION | {"max_uses": 0}}),
        ("give", {"terms": DECISION | {"not_after": "2026-12-21T00:00:00"}}),
        ("give", {"terms": DECISION | {"controller": "x" * 501}}),
        ("give", {"terms": DECISION | {"case": "WG\u0007"}}),
        ("give", {"terms": DECISION | {"subject": {"birth_date": "1990-02-28"}}}),
        ("withdraw", {"record": "c-1"}),
        ("withdraw", {"subject": PERSON}),
        ("withdraw", {"record": "", "subject": PERSON}),
        ("withdraw", {"record": "c-1", "subject": PERSON, "reason": "x"}),
        ("list", {}),
        ("list", {"subject": "everybody"}),
        ("list", {"subject": PERSON, "record": "c-1"}),
    ],
)
def test_what_is_no_order_is_no_order(question: str, said: dict[str, Any]) -> None:
    """A key too few, too many or of another form: `schema-invalid`."""
    assert refused(question, said) is ReasonCode.SCHEMA_INVALID


def test_the_way_says_which_order_it_is() -> None:
    """Another question, another sender's way, another language, another id: each its own no."""
    terms = {"terms": DECISION}
    assert refused("forget", terms) is ReasonCode.NOT_SUPPORTED
    assert refused("", terms) is ReasonCode.NOT_SUPPORTED
    assert refused("give", sample(), content_type=XML) is ReasonCode.NOT_SUPPORTED
    assert refused("give", terms, routing_key="buergerportal.consent.give") is ReasonCode.ROUTING_MISMATCH
    assert refused("give", terms | {"message_id": MESSAGE[:-1] + "0"}) is ReasonCode.MESSAGE_ID_MISMATCH
    assert refused("list", terms) is ReasonCode.SCHEMA_INVALID


def test_nothing_of_an_order_is_printed() -> None:
    """Neither the order nor its terms show the person."""
    for question, said in (
        ("give", {"terms": DECISION}),
        ("give", {"terms": POWER}),
        ("withdraw", {"record": "c-1", "subject": PERSON}),
        ("list", {"subject": OTHER}),
    ):
        shown = repr(heard(question, said))
        assert not any(word in shown for word in (PERSON["idnr"], "1990", "Muster,", "1970", "Max"))
