"""A served house shows how it is: whether it lives, can answer, and its figures; and nothing about anybody."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import httpx
import planted
import pytest
from letters import asking
from peopled import ORDINARY
from prometheus_client.parser import text_string_to_metric_families
from putting_off import forgets, put_off
from reloading import question
from town import IDS, Town
from unwritable import locked

from adapters.http.operation.server import Endpoint
from consent.vocabulary import ReasonCode
from gateway import assembly, serve, telemetry
from gateway.audit.record import Kind
from gateway.errors import ConfigurationFault, FaultCode
from gateway.operation import NEEDED, Operation, Part
from gateway.ports import Room

LOOPBACK = "127.0.0.1"


class Shown:
    """What an operator sees of a house that is served."""

    def __init__(self, client: httpx.AsyncClient, stop: asyncio.Event, operation: Operation) -> None:
        self.client, self.stop, self.operation = client, stop, operation

    async def ready(self) -> tuple[int, dict[str, Any]]:
        found = await self.client.get("/ready")
        return found.status_code, found.json()

    async def is_ready(self) -> dict[str, Any]:
        """Out: what it says as soon as it is ready."""
        async with asyncio.timeout(30):
            while (found := await self.ready())[0] != 200:
                pass
        return found[1]

    async def wrong(self) -> set[str]:
        """Out: the parts that are not well."""
        return {name for name, part in (await self.ready())[1]["parts"].items() if not part["ok"]}

    async def figures(self) -> dict[tuple[str, ...], float]:
        """Out: every figure by its name and the values of its labels."""
        text = (await self.client.get("/metrics")).text
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@asynccontextmanager
async def served(town: Town) -> AsyncIterator[Shown]:
    """Meanwhile the town's house is served and shown; every look is a new one."""
    bus, stop = await town.opened.bus(), asyncio.Event()
    serving = asyncio.create_task(serve.serve(town.opened.service(bus), stop))
    said = town.opened.home.settings
    watchman = replace(town.opened.watchman(bus), door_seconds=1)
    operation = Operation(watchman, stop, town.opened.checkpoints.newest, 0, said.operation.timeout_seconds)
    endpoint = await Endpoint.open(LOOPBACK, 0, operation, town.opened.counted)
    try:
        async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{endpoint.port}", timeout=20) as client:
            yield Shown(client, stop, operation)
    finally:
        stop.set()
        await endpoint.close()
        await serving
        await bus.close()


async def test_ready_turns_red_while_the_journal_can_t_be_written_and_green_again(town: Town) -> None:
    """503 and 200; /live stays as it is: a restart would mend nothing."""
    async with served(town) as shown:
        await shown.is_ready()
        _, said = await shown.ready()
        assert set(said["parts"]) == set(Part)
        with locked(town.root):
            status, said = await shown.ready()
            assert (status, said["ready"]) == (503, False)
            part = said["parts"]["storage"]
            assert not part["ok"]
            assert part["why"]
            assert part["mend"]
            assert (await shown.client.get("/live")).status_code == 200
        assert (await shown.is_ready())["green"]


async def test_each_part_says_what_is_wrong_with_it(town: Town) -> None:
    """Keys that are gone, a clock that went back: both at once, each with its mend."""
    async with served(town) as shown:
        (town.root / "keys/gateway.jwk").rename(town.root / "gateway.jwk")
        town.clock.passes(days=-3)
        assert await shown.wrong() == {"keys", "clock"}


async def test_who_ends_is_not_ready(town: Town) -> None:
    """It finishes what is in hand, and takes nothing new."""
    async with served(town) as shown:
        shown.stop.set()
        assert await shown.wrong() == {"serving"}


async def test_a_stuck_exchange_is_red_and_keeps_nobody_from_serving(town: Town) -> None:
    """Counted, and not named: who asked what is for `einmal log watch`."""
    exchange = await put_off(town, await question(town))
    forgets(town)
    async with served(town) as shown:
        status, said = await shown.ready()
        assert (status, said["green"]) == (200, False)
        assert said["parts"]["exchanges"]["why"] == ["lost: 1"]
        assert exchange not in (await shown.client.get("/ready")).text
        assert Part.EXCHANGES not in NEEDED


async def test_figures_tell_what_happened_in_words_of_closed_lists(town: Town) -> None:
    """Outcomes, codes, rooms, parts of this program; registers and classes of the home; and of no message anything."""
    await town.opened.consumer_bus().publish(await question(town))
    await town.opened.consumer_bus().publish(asking(town, town.asks(ORDINARY, case=f"WG-{IDS.new()}")))
    async with served(town) as shown:
        async with asyncio.timeout(20):
            while (found := await shown.figures()).get(("einmal_exchanges_terminal",)) != 2:
                pass
        text = (await shown.client.get("/metrics")).text
    assert found["einmal_exchanges_total", "answered", ""] == 1
    assert found["einmal_exchanges_total", "refused", "no-basis"] == 1
    assert found["einmal_questions_avoided_total",] == 1
    assert found["einmal_register_seconds_count", "melderegister"] == 1
    assert found["einmal_ready",] == 1
    assert found["einmal_log_lines", "24m"] > 3
    assert found["einmal_log_signed_timestamp_seconds",] > 1e9
    assert (found["einmal_holds",], found["einmal_erasures_due",]) == (0, 0)
    allowed = {
        "outcome": set(Kind),
        "reason": {"", *ReasonCode, *FaultCode},
        "code": set(FaultCode),
        "room": set(Room),
        "part": set(Part),
        "register": set(town.opened.home.policy.registers),
        "retention": set(town.opened.home.settings.log.classes),
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert label == "le" or value in allowed[label]
    for marker in (*planted.MARKERS, ORDINARY.family_name, str(ORDINARY.idnr), "wohngeldstelle"):
        assert marker not in text


async def test_what_can_t_be_counted_is_not_shown(town: Town) -> None:
    """A nought would say that nothing is there."""
    async with served(town) as shown:
        hold = "insert into hold (hold, placed, until, sealed) values ('h', 0, 0, x'00')"
        with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
            connection.execute(hold)
        found = await shown.figures()
        assert ("einmal_holds",) not in found
        assert found["einmal_erasures_due",] == 0


async def test_a_look_that_takes_too_long_is_red(town: Town) -> None:
    """Nobody waits for ever to be told that nobody knows."""

    class Hangs:
        async def look(self, *_: object) -> Any:
            await asyncio.Event().wait()

    bus = await town.opened.bus()
    watch: Any = Hangs()
    watchman = replace(town.opened.watchman(bus), watch=watch)
    shown = Operation(watchman, asyncio.Event(), town.opened.checkpoints.newest, 0, 0.05)
    async with asyncio.timeout(10):
        readiness = await shown.readiness()
    assert not readiness.ready
    assert "no answer in time" in readiness.parts[Part.LOOK][0].why
    await bus.close()


async def test_however_many_ask_there_is_one_look(town: Town) -> None:
    """Until it is too old."""
    bus, looks = await town.opened.bus(), 0
    real = town.opened.watchman(bus)

    class Counts:
        async def look(self, *args: Any) -> Any:
            nonlocal looks
            looks += 1
            return await real.watch.look(*args)

    watch: Any = Counts()
    shown = Operation(replace(real, watch=watch), asyncio.Event(), town.opened.checkpoints.newest, 3600, 5)
    await asyncio.gather(*(shown.readiness() for _ in range(20)), shown.figures())
    assert looks == 1
    await bus.close()


async def test_nothing_else_is_shown_and_nobody_is_told_what_runs_here(town: Town) -> None:
    """Read only; no version; nothing is kept by whoever is between."""
    async with served(town) as shown:
        assert (await shown.client.get("/")).status_code == 404
        assert (await shown.client.post("/ready", content=b"x" * 100)).status_code == 405
        for path in ("/live", "/ready", "/metrics", "/nothing"):
            headers = (await shown.client.get(path)).headers
            assert (headers["server"], headers["cache-control"]) == ("einmal", "no-store")


async def test_nobody_logs_who_asked_or_what(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """Neither good requests nor bad ones."""
    said = io.StringIO()
    telemetry.configure(said)
    with caplog.at_level(logging.DEBUG):
        async with served(town) as shown:
            for version in ("HTTP/1.1\r\nHost: h\r\nConnection: close", "HTTP/9\r\n\x00"):
                reader, writer = await asyncio.open_connection(LOOPBACK, shown.client.base_url.port)
                writer.write(f"GET /ready?name={planted.FAMILY_NAME} {version}\r\n\r\n".encode())
                assert await reader.read()
                writer.close()
    ours = [record for record in caplog.records if not record.name.startswith(("http", "asyncio"))]
    assert [record.getMessage() for record in ours] == []
    assert said.getvalue() == ""


async def test_a_port_that_is_taken_is_told_with_a_mend(town: Town) -> None:
    """Before anything is served."""
    bus = await town.opened.bus()
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        shown = assembly.operation(town.opened, bus, asyncio.Event())
        with pytest.raises(ConfigurationFault) as raised:
            await Endpoint.open(LOOPBACK, taken.getsockname()[1], shown, town.opened.counted)
    assert re.search(r"operation\.listen.*--listen", str(raised.value))
    await bus.close()


async def test_a_process_that_does_not_take_from_every_queue_is_not_ready(town: Town) -> None:
    """As long as a broker keeps one from it; and connections that came back are counted."""

    class Line:
        reconnects, taking = 3, 1

        async def reached(self) -> None:
            return None

    bus = await town.opened.bus()
    watchman = replace(town.opened.watchman(bus), line=Line())
    shown = Operation(watchman, asyncio.Event(), town.opened.checkpoints.newest, 3600, 5)
    readiness = await shown.readiness()
    assert not readiness.ready
    [wrong] = readiness.parts[Part.CONSUMERS]
    assert f"1 of {len(town.opened.home.policy.consumers)}" in wrong.why
    assert (await shown.figures()).reconnects == 3
    await bus.close()


async def test_a_witness_is_shown_by_the_name_that_the_home_gives_it(town: Town) -> None:
    """1: it has cosigned everything; and what a file can't have is not there."""
    counted = town.opened.counted
    counted.witnessed({"nachbarstadt.example/zeuge": True, "land.example/zeuge": False})
    async with served(town) as shown:
        found = await shown.figures()
    assert found["einmal_witness_cosigned", "nachbarstadt.example/zeuge"] == 1
    assert found["einmal_witness_cosigned", "land.example/zeuge"] == 0
    assert found["einmal_outbox_replies",] == 0
    assert ("einmal_bus_reconnects_total",) not in found
