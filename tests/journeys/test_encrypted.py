"""Encrypted both ways: what came in an envelope is answered in one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import envelopes
import foreign_jwe as foreign
import planted
import pytest
from envelopes import enclosed, question, read, settle
from letters import JSON, asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, Town

from gateway import client, jose, jwe
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply


# --- what came encrypted --------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["json/1.0", "xeinmal/1.0"])
async def test_a_question_in_an_envelope_is_answered_in_one(town: Town, language: str) -> None:
    """Only the consumer opens it; repeated, the very bytes come again."""
    key = await envelopes.has_key(town)
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}")
    await town.chooses(ORDINARY, asked["case"])
    request = enclosed(town, asking(town, asked, language))
    message, end, _ = await settle(town, request)
    assert (message.type, end) == ("evidence.answer", "answered")
    kind, body = read(message, key)
    assert kind == town.body(asked, language)[1]
    assert ORDINARY.family_name.encode() in body
    assert foreign.opened(message.body, key.key.as_dict(private=True)) == body
    again = await handle(town.delivery(request), town.opened.house)
    assert isinstance(again, Reply)
    assert again.message == message


async def test_a_client_encrypts_and_opens_by_itself(town: Town) -> None:
    """What it is asked is what it reads; without its key it believes nothing."""
    key, plain = await envelopes.has_key(town), await question(town)
    sender = replace(town.consumer("wohngeldstelle"), opens=(key,))
    request = client.question(
        sender,
        town.gateway,
        "evidence.residence",
        plain.body,
        plain.content_type,
        message_id=plain.message_id,
        now=town.clock.now(),
        encrypt_to=town.opened.keys.encryption(town.clock.now())[0],
    )
    assert (request.content_type, planted.IDNR.encode() in request.body) == (jwe.MEDIA_TYPE, False)
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    told = client.verified(result.message, request, sender, town.gateway)
    assert (told.content_type, told.message) == (JSON, result.message)
    assert json.loads(told.body)["values"]["family_name"] == ORDINARY.family_name
    with pytest.raises(client.ReplyInvalid, match="encryption"):
        client.verified(result.message, request, replace(sender, opens=()), town.gateway)


async def test_every_no_to_an_envelope_comes_in_one(town: Town) -> None:
    """A refusal, a failure for its time, an id used again, what was settled long ago."""
    key = await envelopes.has_key(town)
    refused = enclosed(town, await question(town, chosen=False))
    late = enclosed(town, await question(town), issued_seconds_ago=3601)
    reused = enclosed(town, await question(town), message_id=refused.message_id)
    for request, code in ((refused, "no-basis"), (late, "deadline-passed"), (reused, "message-id-reused")):
        message, _, _ = await settle(town, request)
        assert json.loads(read(message, key)[1])["code"] == code
    town.clock.passes(days=10, minutes=1)
    await town.opened.store.forget(town.clock.now())
    town.clock.passes(days=-10, minutes=-1)
    again = await handle(town.delivery(refused), town.opened.house)
    assert isinstance(again, Reply)
    assert json.loads(read(again.message, key)[1])["code"] == "already-settled"


async def test_the_newest_key_of_the_consumer_is_encrypted_to(town: Town) -> None:
    """A former one that still counts is not used any more."""
    old = await envelopes.has_key(town, "enc-1", valid_from=-timedelta(days=9))
    new = await envelopes.has_key(town, "enc-2")
    message, _, _ = await settle(town, enclosed(town, await question(town)))
    assert foreign.header_of(message.body)["kid"] == "enc-2"
    read(message, new)
    with pytest.raises(jwe.NotOpened):
        read(message, old)


# --- what can't be opened --------------------------------------------------------------------------------------
def _house_key(town: Town) -> dict[str, str]:
    return jose.public_members(town.opened.keys.encryption(town.clock.now())[0].key)


def _kid(town: Town) -> str:
    return town.opened.keys.encryption(town.clock.now())[0].kid


def _of_nobody(town: Town, plain: Outbound) -> bytes:
    return foreign.make(plain.body, foreign.new("X25519")[1], kid=_kid(town))


UNOPENABLE: Final[dict[str, Callable[[Town, Outbound], bytes]]] = {
    "no envelope at all": lambda _, plain: plain.body,
    "nothing": lambda *_: b"",
    "another's key under our name": _of_nobody,
    "a name that is none of ours": lambda town, plain: foreign.make(plain.body, _house_key(town), kid="x"),
    "a packed one": lambda town, plain: foreign.make(plain.body, _house_key(town), kid=_kid(town), zip="DEF"),
    "another cipher": lambda town, plain: foreign.make(
        plain.body, _house_key(town), kid=_kid(town), enc="A128GCM"
    ),
    "a broken one": lambda town, plain: enclosed(town, plain).body[:-4] + b"AAAA",
}


async def test_what_can_t_be_opened_is_refused_in_the_same_words(town: Town) -> None:
    """Journalled, no register touched; nothing tells one way of failing from another."""
    key = await envelopes.has_key(town)
    house, doors = guarded(town.opened.house, town.opened.store)
    seen = set()
    for make in UNOPENABLE.values():
        plain = await question(town)
        message, end, reasons = await settle(town, enclosed(town, plain, body=make(town, plain)), house)
        assert (end, reasons) == ("refused", ["encryption-invalid"])
        said = json.loads(read(message, key)[1])
        seen.add((message.type, len(message.body), said["code"], *said["checks"], said["message"]["de"]))
    assert len(seen) == 1
    assert not any(door.touched for door in doors.values())


async def test_an_envelope_within_an_envelope_is_not_opened(town: Town) -> None:
    """One is what there is."""
    key, plain = await envelopes.has_key(town), await question(town)
    inner = enclosed(town, plain)
    message, _, reasons = await settle(town, enclosed(town, inner))
    assert reasons == ["not-supported"]
    assert json.loads(read(message, key)[1])["code"] == "not-supported"


@pytest.mark.parametrize("said", ["application/jose; charset=utf-8", "APPLICATION/JOSE"])
async def test_the_type_on_the_envelope_may_be_spelt_otherwise(town: Town, said: str) -> None:
    """As media types may (RFC 9110, 8.3.1)."""
    await envelopes.has_key(town)
    assert (await settle(town, enclosed(town, await question(town), content_type=said)))[1] == "answered"


async def test_a_short_inner_type_means_the_long_one(town: Town) -> None:
    """RFC 7516, 4.1.12: `json` is `application/json`."""
    key, plain = await envelopes.has_key(town), await question(town)
    short = foreign.make(plain.body, _house_key(town), kid=_kid(town), cty="json")
    message, end, _ = await settle(town, enclosed(town, plain, body=short))
    assert (end, read(message, key)[0]) == ("answered", JSON)


async def test_an_envelope_said_to_be_none_is_not_read(town: Town) -> None:
    """Nobody signs the type: changed on the way, the ciphertext is malformed and the answer holds nothing."""
    await envelopes.has_key(town)
    message, end, reasons = await settle(town, enclosed(town, await question(town), content_type=JSON))
    assert (end, reasons) == ("refused", ["malformed"])
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)


async def test_the_former_key_of_the_house_opens_until_its_end(town: Town) -> None:
    """After a rotation both open; past the overlap only the new one, though the request itself is in time."""
    await envelopes.has_key(town, valid_to=timedelta(days=90))
    old = [enclosed(town, await question(town)) for _ in range(2)]
    await town.opened.rotations().encryption(365, 7, town.clock.now())
    assert (await settle(town, old[0]))[1] == "answered"
    assert (await settle(town, enclosed(town, await question(town))))[1] == "answered"
    town.clock.passes(days=7, seconds=1)
    late = letter_again(town, old[1])
    assert (await settle(town, late))[2] == ["encryption-invalid"]
    await town.opened.settle_keys(town.clock.now())
    assert len(town.opened.keys.encryption_keys) == 1
    assert (await settle(town, enclosed(town, await question(town))))[1] == "answered"


def letter_again(town: Town, request: Outbound) -> Outbound:
    """Out: the same bytes, signed now, under another id."""
    return enclosed(town, replace(request, message_id=IDS.new()), body=request.body)


async def test_an_older_house_says_that_it_opens_nothing(town: Town) -> None:
    """Until somebody has made it a key; its own answer is encrypted all the same."""
    key, request = await envelopes.has_key(town), enclosed(town, await question(town))
    shutil.rmtree(town.root / "keys/encryption")
    town.opened.keys.follow()
    message, end, reasons = await settle(town, request)
    assert (end, reasons) == ("refused", ["not-supported"])
    assert json.loads(read(message, key)[1])["code"] == "not-supported"
