"""A whole house over RabbitMQ and SQLite: answered, interrupted, lied to."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import Any

import aio_pika
import brokers
import pytest
from brokers import Proxy
from pamqp.commands import Connection
from peopled import ORDINARY
from rabbit_town import RabbitTown, served
from town import Town
from yarl import URL

from adapters.bus.rabbitmq import properties
from gateway import assembly, client
from gateway.client import Verified
from gateway.errors import BusUnavailable, Undeliverable
from gateway.ports import ConsumerBus, Outbound
from gateway.stages import Outgoing

ASKED = 40
AT_ONCE = 4


async def question(town: Town) -> Outbound:
    """Out: a request that is answered."""
    case = f"WG-{(await town.opened.store.counts())[0]}-{id(object())}"
    await town.chooses(ORDINARY, case=case)
    return town.signed(town.asks(ORDINARY, case=case), "wohngeldstelle")


async def ask(town: Town, bus: ConsumerBus, request: Outbound) -> Verified | None:
    return await client.ask(bus, request, town.consumer("wohngeldstelle"), town.gateway, 30)


def ends(place: RabbitTown) -> Counter[str]:
    """Out: how often each outcome is in the log; no exchange has two."""
    with closing(sqlite3.connect(place.root / "data/einmal.sqlite3")) as connection:
        lines = [json.loads(event) for (event,) in connection.execute("select event from line")]
    last = [
        line for line in lines if line["kind"] in ("answered", "refused", "quarantined", "failed", "dead")
    ]
    assert len({line["exchange"] for line in last}) == len(last)
    return Counter(str(line["kind"]) for line in last)


async def test_a_request_is_answered_and_again_with_the_same_bytes(place: RabbitTown) -> None:
    """Asked twice, the register is asked once."""
    async with served(place) as town:
        request, bus = await question(town), place.consumer()
        first, second = await ask(town, bus, request), await ask(town, bus, request)
        assert first is not None
        assert first == second
        assert first.message.type == "evidence.answer"
    assert ends(place) == {"answered": 1}
    assert all(report.holds for report in assembly.verify_log(place.root))


async def test_a_client_that_is_not_ours_gets_its_answer(place: RabbitTown) -> None:
    """With a library of its own, and a queue it declared by itself."""
    async with served(place) as town:
        asked = await question(town)
        connection = await aio_pika.connect(place.users.url("wohngeldstelle"))
        async with connection, connection.channel() as channel:
            queue = await channel.declare_queue(
                asked.reply_to, durable=True, arguments={"x-queue-type": "quorum"}
            )
            inbox = await channel.get_exchange(f"{place.namespace}.in", ensure=False)
            said = aio_pika.Message(
                asked.body,
                headers={"jws": asked.jws},
                content_type=asked.content_type,
                message_id=asked.message_id,
                reply_to=asked.reply_to,
                user_id=asked.user_id,
                delivery_mode=2,
            )
            await inbox.publish(said, asked.routing_key)
            async with asyncio.timeout(30), queue.iterator() as replies:
                got = await anext(replies)
                await got.ack()
        headers = {"jws": str(got.headers["jws"]), "receipt": str(got.headers["receipt"])}
        whole = Outgoing(
            asked.reply_to, got.correlation_id or "", got.message_id or "", got.type or "",
            got.content_type or "", got.body, headers,
        )  # fmt: skip
        assert client.verified(whole, asked, town.consumer("wohngeldstelle"), town.gateway).promise


async def test_what_is_cut_off_in_the_middle_is_not_lost(place: RabbitTown) -> None:
    """Both sides lose their connections with every eighth of forty requests, four being under way: each has one answer,
    house and consumer come back by themselves, and the log holds."""
    to_house, to_consumer = Proxy(), Proxy()
    place.at(_bare(await to_house.start()))
    way = str(_own(await to_consumer.start(), place))
    try:
        async with served(place) as town:
            requests, bus = [await question(town) for _ in range(ASKED)], place.consumer(url=way)
            places = asyncio.Semaphore(AT_ONCE)
            asking = asyncio.gather(*(_until_answered(town, bus, one, places) for one in requests))
            for settled in range(0, ASKED, 2 * AT_ONCE):
                await _settled(town, settled)
                to_house.cut()
                to_consumer.cut()
            assert [reply.message.type for reply in await asking] == ["evidence.answer"] * ASKED
            assert await town.opened.store.counts() == (ASKED, ASKED, 0)
    finally:
        await to_house.close()
        await to_consumer.close()
    assert ends(place) == {"answered": ASKED}
    assert all(report.holds for report in assembly.verify_log(place.root))


async def _until_answered(
    town: Town, bus: ConsumerBus, request: Outbound, places: asyncio.Semaphore
) -> Verified:
    """As a consumer does: the same request with the same id, until there is a reply."""
    async with places:
        while True:
            try:
                found = await client.ask(bus, request, town.consumer("wohngeldstelle"), town.gateway, 3)
            except BusUnavailable:
                continue
            if found is not None:
                return found


async def test_another_user_than_its_own_is_refused_by_the_broker(place: RabbitTown) -> None:
    """Neither another consumer's name nor the house's gets through; the next honest request does."""
    async with served(place) as town:
        bus = place.consumer()
        for name in ("kitaverwaltung", ""):
            forged = replace(await question(town), user_id=place.users.names[name])
            with pytest.raises(Undeliverable):
                await bus.publish(forged)
        assert await ask(town, bus, await question(town)) is not None
    assert ends(place) == {"answered": 1}


async def test_a_consumer_cannot_say_that_it_is_another(place: RabbitTown) -> None:
    """The house's own headers under a consumer's own user, or under none, change nothing: it is quarantined as whose
    it is, and so is one that says it was tried before."""
    async with served(place) as town:
        honest = await question(town)
        async with brokers.connected(place.users.url("kitaverwaltung")) as channel:
            for user in (place.users.names["kitaverwaltung"], None):
                said = properties.request(honest)
                headers: dict[str, Any] = {
                    "jws": honest.jws,
                    properties.SENDER: honest.user_id,
                    properties.MESSAGE: honest.message_id,
                    properties.ATTEMPTS: 4,
                }
                said.user_id, said.headers = user, headers
                await channel.basic_publish(
                    honest.body, exchange=f"{place.namespace}.in", routing_key=honest.routing_key,
                    properties=said, mandatory=True,
                )  # fmt: skip
        reply = await ask(town, place.consumer(), honest)
        assert reply is not None
        assert reply.message.type == "evidence.answer"
    assert ends(place) == {"answered": 1, "quarantined": 2}


async def test_a_header_that_cannot_be_read_harms_nobody(place: RabbitTown) -> None:
    """Quarantined without a word; the house keeps its connections, and the next request is answered."""
    async with served(place) as town:
        honest, bus = await question(town), place.consumer()
        async with brokers.connected(place.users.url("wohngeldstelle")) as channel:
            said = properties.request(replace(honest, content_type="application/xm~"))
            await _publish_raw(channel, f"{place.namespace}.in", honest, said)
        reply = await ask(town, bus, honest)
        assert reply is not None
        assert reply.message.type == "evidence.answer"
    assert ends(place) == {"answered": 1, "quarantined": 1}


async def _publish_raw(channel: Any, exchange: str, request: Outbound, said: Any) -> None:
    """Publish with a content type that is no UTF-8: the driver would not, so its bytes are changed on their way."""
    sending = channel.connection.write_queue.put

    async def put(frame: Any) -> None:
        await sending(replace(frame, payload=frame.payload.replace(b"xm~", b"xm\xff")))

    channel.write_queue = type("Changed", (), {"put": staticmethod(put)})()
    await channel.basic_publish(
        request.body, exchange=exchange, routing_key=request.routing_key, properties=said, mandatory=True
    )


async def test_an_alarm_of_the_broker_stops_sending_and_nothing_else(place: RabbitTown) -> None:
    """Blocked, the house answers nothing within its time and loses nothing: after the alarm every reply leaves."""
    proxy = Proxy()
    place.at(_bare(await proxy.start()))
    try:
        async with served(place) as town:
            bus = place.consumer()
            assert await ask(town, bus, await question(town)) is not None
            proxy.say(Connection.Blocked("low on disk"))
            request = await question(town)
            asking = asyncio.create_task(ask(town, bus, request))
            await _settled(town, 2)
            assert not asking.done()
            assert len(await town.opened.store.unconfirmed()) == 1
            proxy.say(Connection.Unblocked())
            reply = await asking
            assert reply is not None
            assert reply.message.type == "evidence.answer"
    finally:
        await proxy.close()
    assert ends(place) == {"answered": 2}


async def _settled(town: Town, count: int) -> None:
    async with asyncio.timeout(30):
        while (await town.opened.store.counts())[1] < count:
            pass


def _bare(url: str) -> str:
    """Out: the URL without anybody in it."""
    return str(URL(url).with_user(None))


def _own(url: str, place: RabbitTown) -> URL:
    """Out: the URL with the consumer's own user."""
    return URL(url).with_user(place.users.names["wohngeldstelle"]).with_password(place.users.password)
