"""Port `Measures`: counts, and tells a tracer besides (https://opentelemetry.io; the extra `einmal[otel]`).

A span says which room, how long, and how an exchange ended: codes of closed lists, and never what was raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adapters.measures import Counted, trace_context
from gateway.ports import Room

EXCHANGE: Final = "exchange"
_W3C: Final = TraceContextTextMapPropagator()
_CLOSE_SECONDS: Final = 5.0
_EXPORT_SECONDS: Final = 2

for _name in ("opentelemetry", "urllib3", "requests"):
    # They tell of URLs and of what they could not send; that spans are lost harms nobody.
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Traces:
    """Where spans go, for as long as a process serves."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource({"service.name": "einmal"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))

    @classmethod
    def over_http(cls, url: str) -> Traces:
        """In: where a collector takes spans by OTLP over HTTP."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return cls(OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS))

    def measuring(self, counted: Counted) -> Traced:
        """Out: what counts, and tells."""
        return Traced(counted, self._provider.get_tracer("einmal"))

    async def close(self) -> None:
        """Send what is waiting; what can't be sent soon is lost."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.to_thread(self._provider.shutdown)
        except TimeoutError:
            return


class Traced:
    """A span for each delivery in hand, and beneath it one for each room."""

    def __init__(self, counted: Counted, tracer: Tracer) -> None:
        self._counted, self._tracer = counted, tracer

    @contextmanager
    def exchange(self, traceparent: str | None) -> Iterator[str | None]:
        said = trace_context(traceparent)
        above = _W3C.extract({"traceparent": said} if said else {})
        handed: dict[str, str] = {}
        with (
            self._counted.exchange(said),
            self._tracer.start_as_current_span(
                EXCHANGE, above, SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
            ),
        ):
            _W3C.inject(handed)
            yield handed.get("traceparent", said)

    @contextmanager
    def room(self, room: Room) -> Iterator[None]:
        with self._counted.room(room), self._span(room):
            yield

    @contextmanager
    def register(self, name: str) -> Iterator[None]:
        with self._counted.register(name), self._span(Room.REGISTER):
            yield

    def ended(self, kind: str, reason: str) -> None:
        self._counted.ended(kind, reason)
        trace.get_current_span().set_attributes({"outcome": str(kind), "reason": str(reason)})

    def outbox(self, replies: int) -> None:
        self._counted.outbox(replies)

    def witnessed(self, cosigned: Mapping[str, bool]) -> None:
        self._counted.witnessed(cosigned)

    def _span(self, room: Room) -> AbstractContextManager[object]:
        return self._tracer.start_as_current_span(
            str(room), record_exception=False, set_status_on_exception=False
        )
