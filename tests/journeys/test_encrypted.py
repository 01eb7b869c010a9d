"""Encrypted both ways: what came in an envelope is answered in one, and who demands one is told nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import bad_input_cases
import consents
import envelopes
import foreign_jwe as foreign
import planted
import pytest
from envelopes import enclosed, read
from journal_lines import ended, lines, since
from letters import JSON, asking
from odd_register import Texts, guarded
from peopled import ORDINARY
from submitting import decides
from town import IDS, Town

from consent.vocabulary import Filed, Found, NotFound
from gateway import client, jose, jwe
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Outgoing, Reply, Silent

NOTICE: Final = "encryption-key-missing"


async def question(town: Town, chosen: bool = True, **changed: Any) -> Outbound:
    """Out: in the clear."""
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}", **changed)
    if chosen:
        await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


async def settle(
    town: Town, request: Outbound, house: House | None = None
) -> tuple[Outgoing, str, list[str]]:
    """Out: the reply, checked as received; how the exchange ended; the reasons in its last line."""
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house or town.opened.house)
    assert isinstance(result, Reply)
    told = [line for line in await since(before, town.opened.store) if line.exchange]
    [exchange] = {line.exchange for line in told}
    believed(town, result.message, request)
    end = told[-1].kind
    assert ".consent." in request.routing_key or ended(told, exchange or "") == end
    return result.message, end, told[-1].event.get("reasons", [])


def believed(town: Town, message: Outgoing, request: Outbound) -> None:
    """Signature and receipt are over the bytes as they were sent."""
    consumer = town.consumer(request.routing_key.partition(".")[0])
    promise = client.verified(replace(message, content_type=JSON), request, consumer, town.gateway).promise
    assert promise is not None


def is_notice(message: Outgoing) -> bool:
    """Out: whether it says in the clear that there is no key, and nothing about anybody or anything."""
    said = json.loads(message.body)
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)
    return (message.content_type, said["code"], said["checks"]) == (JSON, NOTICE, ["message"])


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


# --- who demands it ---------------------------------------------------------------------------------------------
DEMANDS: Final = [envelopes.consumer_demands, envelopes.grant_demands]


@pytest.mark.parametrize("demands", DEMANDS, ids=["consumer", "grant"])
async def test_where_it_is_demanded_only_an_envelope_is_answered(
    town: Town, demands: Callable[[Town], Awaitable[None]]
) -> None:
    """What came in the clear is refused, in an envelope."""
    key = await envelopes.has_key(town)
    await demands(town)
    message, end, reasons = await settle(town, await question(town))
    assert (end, reasons) == ("refused", ["encryption-required"])
    assert json.loads(read(message, key)[1])["code"] == "encryption-required"
    message, end, _ = await settle(town, enclosed(town, await question(town)))
    assert end == "answered"
    read(message, key)


@pytest.mark.parametrize("at", range(len(bad_input_cases.TABLE)), ids=bad_input_cases.NAMES)
async def test_where_it_is_demanded_nothing_leaves_in_the_clear(town: Town, at: int) -> None:
    """Whatever is wrong with a request, in an envelope or without: no reply to that consumer is readable on its way."""
    key = await envelopes.has_key(town)
    await envelopes.consumer_demands(town)
    plain = await bad_input_cases.TABLE[at].make(town)
    if not plain.routing_key.startswith("wohngeldstelle."):
        await envelopes.has_key(town, "enc-2", plain.routing_key.partition(".")[0])
        await envelopes.consumer_demands(town, plain.routing_key.partition(".")[0])
    for request in (plain, enclosed(town, replace(plain, message_id=IDS.new()))):
        result = await handle(town.delivery(request), town.opened.house)
        if isinstance(result, Silent):
            continue
        assert isinstance(result, Reply)
        assert result.message.content_type == jwe.MEDIA_TYPE
        if foreign.header_of(result.message.body)["kid"] == key.kid:
            assert b"code" in read(result.message, key)[1]


# --- no key to answer to ------------------------------------------------------------------------------------------
KEYLESS: Final[dict[str, Callable[[Town], Awaitable[object]]]] = {
    "none": lambda town: envelopes.consumer_demands(town, "kitaverwaltung"),
    "not yet": partial(envelopes.has_key, valid_from=timedelta(days=1)),
    "no more": partial(envelopes.has_key, valid_from=-timedelta(days=9), valid_to=-timedelta(seconds=1)),
}


@pytest.mark.parametrize("keys", KEYLESS.values(), ids=KEYLESS)
async def test_without_a_key_that_counts_no_register_is_asked(
    town: Town, keys: Callable[[Town], Awaitable[object]]
) -> None:
    """One notice in the clear says so; the line too."""
    await keys(town)
    house, doors = guarded(town.opened.house, town.opened.store)
    message, end, reasons = await settle(town, enclosed(town, await question(town)), house)
    assert (end, reasons) == ("refused", [NOTICE])
    assert is_notice(message)
    assert not any(door.touched for door in doors.values())


async def test_without_a_key_every_no_is_the_same_notice(town: Town) -> None:
    """What was wrong beside stays in the log: the notice would be read on its way."""
    await envelopes.consumer_demands(town)
    unread = replace(await question(town), body=b"{")
    kinds = [
        (await question(town), "encryption-required"),
        (enclosed(town, unread), "malformed"),
        (enclosed(town, await question(town), issued_seconds_ago=3601), "deadline-passed"),
    ]
    seen = set()
    for request, reason in kinds:
        message, _, reasons = await settle(town, request)
        assert reasons == [reason]
        assert is_notice(message)
        seen.add((message.type, json.loads(message.body)["message"]["de"]))
    assert len(seen) == 1


async def test_a_key_revoked_while_the_register_answers_leaves_nothing(town: Town) -> None:
    """The evidence is discarded: decided again, it may not leave."""
    await envelopes.has_key(town)

    async def revoked(mandate: Mandate, real: Register) -> Found | NotFound:
        found = await real.fetch(mandate)
        await law_moves(town)
        return found

    house, _ = guarded(town.opened.house, town.opened.store, revoked)
    message, end, reasons = await settle(town, enclosed(town, await question(town)), house)
    assert (end, reasons) == ("refused", [NOTICE])
    assert is_notice(message)


async def law_moves(town: Town) -> None:
    await envelopes.revokes_key(town)


async def test_a_key_that_ends_while_the_register_answers_leaves_nothing(town: Town) -> None:
    """No law has moved: the clock alone."""
    await envelopes.has_key(town, valid_to=timedelta(minutes=5))

    async def slow(mandate: Mandate, real: Register) -> Found | NotFound:
        found = await real.fetch(mandate)
        town.clock.passes(minutes=6)
        return found

    house, doors = guarded(town.opened.house, town.opened.store, slow)
    message, end, reasons = await settle(town, enclosed(town, await question(town)), house)
    assert (end, reasons) == ("refused", [NOTICE])
    assert is_notice(message)
    assert doors["melderegister"].touched


async def test_what_was_written_is_told_as_written_though_no_receipt_can_be_closed(town: Town) -> None:
    """The register has it: the line says so, the notice doesn't."""
    await envelopes.has_key(town, consumer="buergerportal", valid_to=timedelta(minutes=5))
    record = town.moves(ORDINARY, case=f"UM-{IDS.new()}")
    await decides(town, ORDINARY, record["case"])
    plain = asking(town, record, "json/1.0", consumer="buergerportal")

    async def slow(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Any:
        did = await real.write(mandate, values, replaces)
        assert isinstance(did, Filed)
        town.clock.passes(minutes=6)
        return did

    house, _ = guarded(town.opened.house, town.opened.store, writes=slow)
    message, end, _ = await settle(town, enclosed(town, plain), house)
    assert end == "submitted"
    assert is_notice(message)


# --- the house's own ledger -----------------------------------------------------------------------------------------
async def test_orders_travel_in_envelopes_too(town: Town) -> None:
    """Given, listed, withdrawn; and where the portal demands it, none of them in the clear."""
    key = await envelopes.has_key(town, consumer="buergerportal")
    record = await town.chooses(ORDINARY)
    message, _, _ = await settle(town, enclosed(town, consents.lists(town)))
    listed = json.loads(read(message, key)[1])
    assert record in json.dumps(listed)
    await envelopes.consumer_demands(town, "buergerportal")
    message, _, reasons = await settle(town, consents.lists(town))
    assert reasons == ["encryption-required"]
    read(message, key)
    message, end, _ = await settle(town, enclosed(town, consents.withdraws(town, record)))
    assert (message.type, end) == ("consent.receipt", "consent.withdrawn")


async def test_without_a_key_a_withdrawal_counts_and_a_list_is_not_told(town: Town) -> None:
    """What a person takes back is taken back; their records are shown to nobody on the way."""
    record = await town.chooses(ORDINARY)
    message, end, _ = await settle(town, enclosed(town, consents.withdraws(town, record)))
    assert end == "consent.withdrawn"
    assert is_notice(message)
    message, end, reasons = await settle(town, enclosed(town, consents.lists(town)))
    assert (end, reasons) == ("refused", [NOTICE])
    assert is_notice(message)
