"""The law changes while messages are under way: at once, in every process, without restart."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import planted
import pytest
import town as towns
from journal_lines import every_end, lines, since
from law_changes import edit, takes_over
from letters import asking
from mistakes import new_grant, signed
from odd_register import guarded
from peopled import ORDINARY
from reloading import GRANT, answered, question
from town import IDS, Town

from adapters.keys import new_key, read_key, write_key
from consent.vocabulary import Found, NotFound
from gateway import client, jws, serve
from gateway.assembly import Opened
from gateway.cli.demo import home as demo_home
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.ports import ConsumerBus, Outbound, Register
from gateway.stages import Mandate, Outgoing, Reply


@asynccontextmanager
async def serving(opened: Opened) -> AsyncIterator[None]:
    """Meanwhile the house takes from its bus."""
    bus, stop = await opened.bus(), asyncio.Event()
    running = asyncio.create_task(serve.serve(opened.service(bus), stop))
    try:
        yield
    finally:
        stop.set()
        await running
        await bus.close()


async def came_back(town: Town, bus: ConsumerBus, one: Outbound) -> Outgoing | None:
    """Out: the reply; time passes for one that the law overtook too often and was put off."""
    for _ in range(6):
        reply = await bus.reply(one.reply_to, one.message_id, 5)
        if reply is not None:
            return reply
        town.clock.passes(seconds=10)
    return None


async def test_a_reload_while_messages_are_under_way_loses_none(
    town: Town, exceptions_watched: object
) -> None:
    """Two processes of one home take from one bus; a third switches the law ten times meanwhile. Every message ends
    once, what leaves is what some law in force permitted, and both processes follow."""
    other = await towns.opened(town.root, town.clock)
    asked = [await question(town) for _ in range(60)]
    bus = town.opened.consumer_bus()
    before = await lines(town.opened.store)
    async with serving(town.opened), serving(other.opened):
        for number, request in enumerate(asked):
            await bus.publish(request)
            if number % 6 == 0:
                left, right = (
                    ("2027-12-31", "2027-12-30") if number % 12 == 0 else ("2027-12-30", "2027-12-31")
                )
                edit(town, GRANT, f"valid_to = {left}", f"valid_to = {right}")
                await takes_over(town)
        replies = [await came_back(town, bus, one) for one in asked]
    assert [reply.type for reply in replies if reply is not None] == ["evidence.answer"] * 60
    ends = every_end(await since(before, town.opened.store))
    assert list(ends.values()) == ["answered"] * 60
    law = (await town.opened.house.policies.refresh()).hash
    for place in (town, other):
        assert (await answered(place, await question(place)))["values"]
        assert place.opened.house.policies.current().hash == law
    await bus.close()
    await other.opened.close()


async def test_a_new_register_and_a_new_consumer_need_no_restart(town: Town) -> None:
    """Added by a reload from elsewhere, while the house serves: asked and answered with its next message."""
    with pytest.raises(KeyError):
        town.opened.house.registers["hundesteuer"]
    async with serving(town.opened):
        add_register(town)
        add_consumer(town, "ordnungsamt")
        changes = ("kitaverwaltung", "ordnungsamt"), ("melderegister", "hundesteuer"), ("residence", "dog")
        new_grant(town.root, "hunde", *changes)
        signed(town.root, "grants/hunde.toml", "leitung-hundesteuer", demo_home.APPROVER)
        await takes_over(town)
        place = await towns.opened(town.root, town.clock)
        record = place.parking(ORDINARY, evidence="dog", register="hundesteuer", fields=["town"])
        record |= {"purpose": "housing-benefit", "procedure": "wohngeld-antrag"}
        record["author"] = {"directory": "einmal", "id": "ordnungsamt", "name": "Ordnungsamt"}
        request = asking(place, record, "json/1.0", consumer="ordnungsamt")
        bus = place.opened.consumer_bus()
        reply = await client.ask(bus, request, place.consumer("ordnungsamt"), place.gateway, 30)
        await bus.close()
        await place.opened.close()
    assert reply is not None
    assert json.loads(reply.message.body)["values"] == {"town": "Hundestadt"}
    assert "hundesteuer" in town.opened.house.registers


async def test_what_was_decided_is_fetched_as_it_was_decided(town: Town) -> None:
    """A register whose columns change between decision and fetch is asked as the decision's law connects it; the next
    question is asked as the new law does."""
    request = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        edit(town, "registers/melderegister.toml", 'family_name = "familienname"', 'family_name = "ort"')
        await takes_over(town)
        await town.opened.house.policies.refresh()
        found = await real.fetch(mandate)
        assert isinstance(found, Found)
        assert found.values["family_name"] == ORDINARY.family_name
        return found

    house, _ = guarded(town.opened.house, town.opened.store, meanwhile)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert json.loads(result.message.body)["values"]["family_name"] == ORDINARY.family_name
    assert (await answered(town, await question(town)))["values"]["family_name"] == planted.TOWN


async def test_a_connection_two_laws_old_is_closed_and_asked_no_more(town: Town) -> None:
    """Who comes that late is put off, and decides again."""
    request = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        for old, new in (("2027-12-31", "2027-12-30"), ("2027-12-30", "2027-12-29")):
            edit(town, GRANT, f"valid_to = {old}", f"valid_to = {new}")
            await takes_over(town)
            await town.opened.house.policies.refresh()
            assert len(town.opened.house.registers) > 1
        with pytest.raises(RegisterUnavailable):
            await real.fetch(mandate)
        raise RegisterUnavailable(real.id)

    house, _ = guarded(town.opened.house, town.opened.store, meanwhile)
    assert not isinstance(await handle(town.delivery(request), house), Reply)
    assert (await answered(town, await question(town)))["values"]


# --- new parties ------------------------------------------------------------------------------------------------
def add_register(town: Town) -> None:
    """A register with one row, and its owner."""
    with closing(sqlite3.connect(town.root / "registers/hundesteuer.sqlite3")) as database, database:
        database.execute(
            "CREATE TABLE halter (id TEXT, familienname TEXT, vornamen TEXT, geburtsdatum TEXT, ort TEXT)"
        )
        row = (
            "h1",
            ORDINARY.family_name,
            ORDINARY.given_names,
            ORDINARY.birth_date.isoformat(),
            "Hundestadt",
        )
        database.execute("INSERT INTO halter VALUES (?, ?, ?, ?, ?)", row)
    (town.root / "registers/hundesteuer.toml").write_text(
        'id = "hundesteuer"\ntitle = { de = "Hundesteuer", en = "Dog tax" }\n'
        'authority = { de = "Stadtkasse", en = "Treasury" }\nadapter = "sql"\n'
        '[sql]\nurl = "sqlite:///registers/hundesteuer.sqlite3"\ntable = "halter"\nkey = "id"\nblocked = false\n'
        '[sql.match]\nfamily_name = "familienname"\ngiven_name = "vornamen"\nbirth_date = "geburtsdatum"\n'
        '[[evidence]]\ntype = "dog"\ntitle = { de = "Hund", en = "Dog" }\n[evidence.fields]\ntown = "ort"\n',
        "utf-8",
    )
    add_party(town, "people", "leitung-hundesteuer", "leitung-buergeramt")
    edit(town, "people/leitung-hundesteuer.toml", '"melderegister"', '"hundesteuer"')


def add_consumer(town: Town, name: str) -> None:
    add_party(town, "consumers", name, "kitaverwaltung")


def add_party(town: Town, folder: str, name: str, like: str) -> None:
    """A file like another party's, with a key of its own."""
    old = read_key(demo_home.key_file(town.root, f"{folder}/{like}"))
    key = new_key(IDS, old.kid.replace(like, name))
    write_key(demo_home.key_file(town.root, f"{folder}/{name}"), key)
    text = (town.root / f"{folder}/{like}.toml").read_text("utf-8").replace(like, name)
    text = text.replace(jws.public_jwk(old)["x"], jws.public_jwk(key)["x"])
    (town.root / f"{folder}/{name}.toml").write_text(text, "utf-8")
