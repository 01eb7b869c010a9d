"""Who is at the door: checks 1 and 2."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from signed import (
    AUDIENCE,
    BODY,
    MESSAGE,
    NOW,
    Directory,
    Listed,
    ListedJwk,
    Party,
    claims,
    delivery,
    listed,
    signer,
)

from consent.vocabulary import Check, Fact, ReasonCode
from gateway import jws
from gateway.authenticate import Terms, authenticate
from gateway.stages import Late, Sender, Unauthentic

TERMS = Terms(AUDIENCE, "einmal", 10_000, 60, 86_400)
KEY, OTHER_KEY = signer("wohngeldstelle-2026", 1), signer("kita-2026", 2)


GOOD = delivery(jws.sign_detached(BODY, claims(), KEY))
PUBLISHED = listed(KEY)
WOHNGELD, KITA = Party("wohngeldstelle", "wohngeldstelle"), Party("kita", "kita-bus")


def directory(key: Listed = PUBLISHED) -> Directory:
    """Out: two consumers with a key each."""
    return Directory((WOHNGELD, key), (KITA, listed(OTHER_KEY)))


def reason(outcome: Sender | Unauthentic | Late) -> ReasonCode:
    """Out: why it is quarantined."""
    assert isinstance(outcome, Unauthentic)
    assert Fact.FAILED in outcome.refusal.facts.values()
    assert outcome.refusal.checks
    return outcome.refusal.code


def test_a_true_message_names_its_sender() -> None:
    """With what was signed: times, message id, reply queue, and the digest of the body as received."""
    sender = authenticate(GOOD, directory(), TERMS, NOW)
    assert sender == Sender(
        consumer="wohngeldstelle",
        kid=KEY.kid,
        alg="EdDSA",
        issued=NOW,
        deadline=NOW + timedelta(hours=1),
        digest=jws.digest(BODY),
        message_id=MESSAGE,
        reply_to="einmal.reply.wohngeldstelle.1",
    )


@pytest.mark.parametrize("token", [None, ""])
def test_an_unsigned_message_is_quarantined(token: str | None) -> None:
    """Whatever the bus says about its user."""
    assert reason(authenticate(replace(GOOD, jws=token), directory(), TERMS, NOW)) == ReasonCode.UNSIGNED


def test_other_bytes_are_not_what_was_signed() -> None:
    """Not even white space is."""
    changed = replace(GOOD, body=BODY + b"\n")
    assert reason(authenticate(changed, directory(), TERMS, NOW)) == ReasonCode.SIGNATURE_INVALID


def test_a_body_above_the_limit_is_not_even_hashed() -> None:
    """Signed or not."""
    assert reason(authenticate(replace(GOOD, jws="x"), directory(), replace(TERMS, body_bytes=10), NOW)) == (
        ReasonCode.TOO_LARGE
    )


def test_a_key_nobody_published_signs_nothing() -> None:
    """Also when its name is another consumer's: then the signature does not hold."""
    unknown = delivery(jws.sign_detached(BODY, claims(), signer("niemand", 3)))
    assert reason(authenticate(unknown, directory(), TERMS, NOW)) == ReasonCode.KEY_UNKNOWN
    posing = delivery(jws.sign_detached(BODY, claims(), signer(OTHER_KEY.kid, 1)))
    assert reason(authenticate(posing, directory(), TERMS, NOW)) == ReasonCode.SIGNATURE_INVALID


def test_a_consumer_can_t_speak_for_another() -> None:
    """Another consumer's own true signature, in this one's name on the bus."""
    foreign = delivery(jws.sign_detached(BODY, claims(), OTHER_KEY))
    assert reason(authenticate(foreign, directory(), TERMS, NOW)) == ReasonCode.SENDER_MISMATCH


@pytest.mark.parametrize(
    ("key", "now"),
    [
        (replace(PUBLISHED, valid_from=NOW + timedelta(seconds=1)), NOW),
        (replace(PUBLISHED, valid_from=NOW + timedelta(seconds=1)), NOW + timedelta(minutes=1)),
        (replace(PUBLISHED, valid_to=NOW - timedelta(seconds=1)), NOW),
        (replace(PUBLISHED, valid_to=NOW + timedelta(seconds=1)), NOW + timedelta(minutes=1)),
        (replace(PUBLISHED, revoked_at=NOW - timedelta(days=1)), NOW),
        (replace(PUBLISHED, revoked_at=NOW), NOW),
        (replace(PUBLISHED, revoked_at=NOW + timedelta(seconds=1)), NOW + timedelta(minutes=1)),
    ],
    ids=[
        "not-yet",
        "not-when-it-signed",
        "expired",
        "expired-since",
        "revoked",
        "revoked-now",
        "revoked-since",
    ],
)
def test_a_key_counts_when_it_signed_and_now(key: Listed, now: datetime) -> None:
    """A key revoked after it signed counts no more either: who signed can't be told from who stole it."""
    assert reason(authenticate(GOOD, directory(key), TERMS, now)) == ReasonCode.KEY_NOT_VALID


def test_an_encryption_key_signs_nothing() -> None:
    """`use` is `enc`."""
    assert (
        reason(authenticate(GOOD, directory(replace(PUBLISHED, use="enc")), TERMS, NOW))
        == ReasonCode.KEY_UNKNOWN
    )


@pytest.mark.parametrize("aud", ["einmal.beispielstadt.example", AUDIENCE.upper(), AUDIENCE + "."])
def test_a_message_for_another_house_is_not_for_us(aud: str) -> None:
    """Compared exactly."""
    elsewhere = delivery(jws.sign_detached(BODY, claims(aud=aud), KEY))
    assert reason(authenticate(elsewhere, directory(), TERMS, NOW)) == ReasonCode.NOT_FOR_US


@pytest.mark.parametrize(
    "message_id", ["0b8b2a3e-5a4f-4c1d-9e2b-3f4a5b6c7d8f", MESSAGE.upper(), MESSAGE + " ", ""]
)
def test_a_captured_message_has_one_id(message_id: str) -> None:
    """Sent again under another, it is nobody's."""
    captured = replace(GOOD, message_id=message_id)
    assert reason(authenticate(captured, directory(), TERMS, NOW)) == ReasonCode.MESSAGE_ID_MISMATCH


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "kita-bus"},
        {"user_id": "Wohngeldstelle"},
        {"user_id": ""},
        {"routing_key": "kita.evidence.residence"},
        {"routing_key": "wohngeldstelle2.evidence.residence"},
        {"routing_key": ""},
    ],
)
def test_bus_user_and_routing_key_are_the_signer_s(change: dict[str, str]) -> None:
    """The bus and the signature must name the same consumer."""
    told = authenticate(replace(GOOD, **change), directory(), TERMS, NOW)  # type: ignore[arg-type]
    assert reason(told) == ReasonCode.SENDER_MISMATCH
    assert isinstance(told, Unauthentic)
    assert told.refusal.facts == {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.FAILED}


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        ("einmal.reply.wohngeldstelle.1", "einmal.reply.wohngeldstelle.2"),
        ("einmal.reply.kita.1", "einmal.reply.kita.1"),
        ("einmal.reply.wohngeldstelle.", "einmal.reply.wohngeldstelle."),
        ("einmal.reply.wohngeldstelle", "einmal.reply.wohngeldstelle"),
        ("einmal.reply.wohngeldstelle2.1", "einmal.reply.wohngeldstelle2.1"),
        ("anders.reply.wohngeldstelle.1", "anders.reply.wohngeldstelle.1"),
        ("amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to"),
    ],
)
def test_a_reply_goes_to_the_signer_s_own_queue(signed: str, sent: str) -> None:
    """The signed one, which is the one on the message, in this house's namespace."""
    asked = delivery(jws.sign_detached(BODY, claims(rto=signed), KEY), reply_to=sent)
    assert reason(authenticate(asked, directory(), TERMS, NOW)) == ReasonCode.REPLY_QUEUE_FOREIGN


@pytest.mark.parametrize(
    ("issued", "lifetime", "code"),
    [
        (timedelta(seconds=61), timedelta(hours=1), ReasonCode.NOT_FRESH),
        (timedelta(days=365), timedelta(hours=1), ReasonCode.NOT_FRESH),
        (timedelta(0), timedelta(seconds=86_401), ReasonCode.NOT_FRESH),
        (timedelta(0), timedelta(0), ReasonCode.NOT_FRESH),
        (timedelta(0), timedelta(seconds=-1), ReasonCode.NOT_FRESH),
        (timedelta(hours=-1), timedelta(hours=1), ReasonCode.DEADLINE_PASSED),
        (timedelta(hours=-2), timedelta(hours=1), ReasonCode.DEADLINE_PASSED),
    ],
)
def test_what_is_authentic_and_out_of_time_is_told_so(
    issued: timedelta, lifetime: timedelta, code: ReasonCode
) -> None:
    """From the future, without an end in sight, or past its signed deadline; its sender is known."""
    token = jws.sign_detached(BODY, claims(issued=NOW + issued, lifetime=lifetime), KEY)
    late = authenticate(delivery(token), directory(), TERMS, NOW)
    assert isinstance(late, Late)
    assert (late.refusal.code, late.sender.consumer) == (code, "wohngeldstelle")
    assert late.refusal.facts == {Check.AUTHENTIC: Fact.FAILED}


@pytest.mark.parametrize(
    ("issued", "lifetime"),
    [
        (timedelta(seconds=60), timedelta(hours=1)),
        (timedelta(0), timedelta(days=1)),
        (timedelta(seconds=-3599), timedelta(hours=1)),
    ],
)
def test_the_ends_of_the_signed_times_still_count(issued: timedelta, lifetime: timedelta) -> None:
    """A clock that is ahead by the skew, the longest lifetime, the last second."""
    token = jws.sign_detached(BODY, claims(issued=NOW + issued, lifetime=lifetime), KEY)
    assert isinstance(authenticate(delivery(token), directory(), TERMS, NOW), Sender)


def test_what_is_late_is_not_told_to_a_stranger() -> None:
    """Out of time and not for us: quarantined, not answered."""
    both = delivery(jws.sign_detached(BODY, claims(issued=NOW - timedelta(days=9), aud="x"), KEY))
    assert reason(authenticate(both, directory(), TERMS, NOW)) == ReasonCode.NOT_FOR_US


def test_a_policy_with_an_unusable_key_trusts_nobody_by_it() -> None:
    """A point of small order, which any signature would fit."""
    weak = replace(PUBLISHED, jwk=ListedJwk("A" * 43))
    assert reason(authenticate(GOOD, directory(weak), TERMS, NOW)) == ReasonCode.KEY_UNKNOWN
