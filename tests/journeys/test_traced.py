"""An exchange as a tracer sees it: rooms, how long, how it ended; and nothing of what was in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from typing import Any

import planted
import pytest
from aiohttp import web
from letters import asking
from odd_register import guarded
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from peopled import ORDINARY
from reloading import question
from town import IDS, Town

from adapters.traces import EXCHANGE, Traces
from consent.vocabulary import Found, NotFound
from gateway import assembly
from gateway.errors import ConfigurationFault
from gateway.exchange import handle
from gateway.ports import Outbound, Register, Room
from gateway.stages import Mandate, Reply

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACE = f"00-{TRACE_ID}-{SPAN_ID}-01"


async def breaks(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise ValueError(f"row of {planted.FAMILY_NAME}")


async def traced(
    town: Town, request: Outbound, traceparent: str | None = TRACE, **house: Any
) -> tuple[list[ReadableSpan], Reply]:
    """Out: the spans of an exchange, oldest first, and its reply."""
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    measured = replace(town.opened.house, measures=traces.measuring(town.opened.counted), **house)
    with measured.measures.exchange(traceparent) as own:
        result = await handle(replace(town.delivery(request), traceparent=own), measured)
    await traces.close()
    assert isinstance(result, Reply)
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0), result


async def test_each_room_is_a_span_beneath_its_exchange(town: Town) -> None:
    """In the trace of who asked; what is counted is counted as ever."""
    spans, _ = await traced(town, await question(town))
    above, *rooms = spans
    assert above.name == EXCHANGE
    assert above.parent is not None
    assert (f"{above.context.trace_id:032x}", f"{above.parent.span_id:016x}") == (TRACE_ID, SPAN_ID)
    assert [room.name for room in rooms] == [room for room in Room if room is not Room.SEND]
    assert {room.parent.span_id for room in rooms if room.parent} == {above.context.span_id}
    assert town.opened.counted.rooms[Room.DECIDE].times == 1
    assert town.opened.counted.registers["melderegister"].times == 1


async def test_the_reply_hands_on_the_exchange_s_own_context(town: Town) -> None:
    """The same trace, and our span as the one above whatever follows; without a context before, a new trace."""
    spans, reply = await traced(town, await question(town))
    assert reply.message.headers["traceparent"] == f"00-{TRACE_ID}-{spans[0].context.span_id:016x}-01"
    spans, reply = await traced(town, await question(town), None)
    assert spans[0].parent is None
    assert reply.message.headers["traceparent"].split("-")[1] == f"{spans[0].context.trace_id:032x}"


async def test_a_span_says_how_it_ended_and_nothing_else(town: Town) -> None:
    """Codes alone: no consumer, no register, no message, no text of what was raised."""
    request = asking(town, town.asks(ORDINARY, case=f"WG-{IDS.new()}"))
    refused, _ = await traced(town, request)
    assert dict(refused[0].attributes or {}) == {"outcome": "refused", "reason": "no-basis"}
    house, _ = guarded(town.opened.house, town.opened.store, breaks)
    failed, _ = await traced(town, await question(town), registers=house.registers)
    assert dict(failed[0].attributes or {}) == {"outcome": "failed", "reason": "internal"}
    for span in (*refused, *failed):
        assert not span.events
        assert span.status.description is None
        assert span.name == EXCHANGE or not span.attributes
        told = span.to_json()
        for word in (*planted.MARKERS, "wohngeldstelle", "melderegister", request.message_id):
            assert word not in told


async def test_spans_reach_a_collector_and_one_that_is_away_stops_nothing(town: Town) -> None:
    """By OTLP over HTTP; what can't be sent is lost, soon."""
    got: list[bytes] = []

    async def collect(sent: web.Request) -> web.Response:
        got.append(await sent.read())
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/v1/traces", collect)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
    traces = Traces.over_http(url)
    with traces.measuring(town.opened.counted).room(Room.DECIDE):
        pass
    await traces.close()
    [body] = got
    assert b"decide" in body
    await runner.cleanup()
    away = Traces.over_http(url)
    with away.measuring(town.opened.counted).room(Room.DECIDE):
        pass
    async with asyncio.timeout(20):
        await away.close()
    assert len(got) == 1


async def test_a_home_that_names_a_collector_is_served_with_spans(town: Town) -> None:
    """Any other is served with counts alone."""
    bus, stop = await town.opened.bus(), asyncio.Event()
    async with assembly.operated(town.opened, bus, stop) as service:
        assert service.house.measures is town.opened.counted
    named = _naming(town, "http://127.0.0.1:9/v1/traces")
    async with assembly.operated(named, bus, stop) as service:
        with service.house.measures.exchange(None) as own:
            assert own is not None
    await bus.close()


async def test_without_the_extra_a_collector_is_refused_with_a_mend(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is served."""
    monkeypatch.delitem(sys.modules, "adapters.traces")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    bus = await town.opened.bus()
    named = _naming(town, "http://127.0.0.1:9/v1/traces")
    with pytest.raises(ConfigurationFault, match=r"operation\.traces.*not installed.*einmal\[otel\]"):
        async with assembly.operated(named, bus, asyncio.Event()):
            pass
    await bus.close()


def test_nothing_of_it_is_read_unless_a_home_names_it(town: Town) -> None:
    """Neither the tracer nor the endpoint nor what writes figures: every command works where they can't be."""
    block = "import sys; sys.modules.update(dict.fromkeys(('opentelemetry', 'prometheus_client', 'aiohttp')))"
    command = f"{block}; from gateway.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "check", "--home", str(town.root)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _naming(town: Town, url: str) -> assembly.Opened:
    settings = town.opened.home.settings
    operation = settings.operation.model_copy(update={"traces": url})
    home = replace(town.opened.home, settings=settings.model_copy(update={"operation": operation}))
    return replace(town.opened, home=home)
