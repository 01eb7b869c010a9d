"""Encryption demanded: who demands it is told nothing else, and who has no key to answer to is told so and no more."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import bad_input_cases
import consents
import envelopes
import foreign_jwe as foreign
import pytest
from envelopes import NOTICE, enclosed, is_notice, question, read, settle
from letters import asking
from odd_register import Texts, guarded
from peopled import ORDINARY
from submitting import decides
from town import IDS, Town

from consent.vocabulary import Filed, Found, NotFound
from gateway import jwe
from gateway.exchange import handle
from gateway.ports import Register
from gateway.stages import Mandate, Reply, Silent

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
