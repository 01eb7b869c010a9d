"""What is heard of a message: step 3 of an exchange, and what an exchange is about that ends before it.

However early it ends, its line is the person's if the message names one, and tells what was wanted.
"""

from __future__ import annotations

from dataclasses import replace

from consent.decide import exemption
from consent.vocabulary import Action, Check, Fact, ReasonCode, Refusal
from gateway import envelope, inbound
from gateway.house import House
from gateway.stages import (
    Case,
    Contents,
    Delivery,
    Errand,
    Heard,
    Misread,
    Sender,
    Unauthentic,
    Unopened,
    request_of,
)


def read(contents: Contents | Unopened, sender: Sender, house: House) -> Errand | Misread:
    """In: what a known sender's bytes hold. Out: what they want, or why nobody can tell. Never raises."""
    policy, languages = house.policies.current(), house.languages
    if isinstance(contents, Unopened):
        return inbound.unopened(contents, sender, policy, languages)
    try:
        return inbound.read(contents, sender, policy, languages)
    except Exception:  # noqa: BLE001  what can't be read without an error was not understood: a refusal
        facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED, Check.MESSAGE: Fact.FAILED}
        refusal = Refusal(ReasonCode.MALFORMED, facts, checks=(Check.MESSAGE,))
        return Misread(refusal, inbound.language_of(contents, languages))


def language_of(delivery: Delivery, sender: Sender, house: House) -> str:
    """Out: the language to answer a known sender in, who asks nothing any more. Raises: as `envelope.opened`."""
    contents, languages = envelope.opened(delivery, house), house.languages
    if isinstance(contents, Unopened):
        return inbound.unopened(contents, sender, house.policies.current(), languages).language
    return inbound.language_of(contents, languages)


def heard(delivery: Delivery, sender: Sender, house: House) -> Heard:
    """What an exchange that ends at the door is about: its line is the person's all the same, if it names one."""
    return of(read(envelope.opened(delivery, house), sender, house), delivery, sender, house)


def of_stranger(delivery: Delivery, sender: Unauthentic, case: Case, house: House) -> Heard:
    """Nothing a stranger says is heard; but a submission of someone whose key has ended since may be on file."""
    if sender.signer is None or case.attempt == 1:
        return Heard(sender)
    said = heard(delivery, sender.signer, house)
    written = said.request is not None and said.request.action is Action.WRITE
    return replace(said, sender=sender) if written else Heard(sender)


def of(errand: Errand | Misread, delivery: Delivery, sender: Sender, house: House) -> Heard:
    """Out: what was wanted, in which language, and which law keeps it from the person."""
    about, encrypted = inbound.about(delivery.routing_key), envelope.came_encrypted(delivery)
    if isinstance(errand, Misread):
        return Heard(sender, errand.language, about=about, encrypted=encrypted)
    request = request_of(errand)
    law = exemption(request, house.policies.current(), house.clock.now())
    return Heard(sender, request.language, request, about=about, exempt=law, encrypted=encrypted)
