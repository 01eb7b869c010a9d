"""Figures as Prometheus reads them (https://prometheus.io/docs/instrumenting/exposition_formats/).

Every label's values come from a closed list: outcomes and codes of this program; rooms, parts; registers, witnesses and
retention classes that the home names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from adapters.measures import BOUNDS, Counted, Spread
from gateway.audit.record import Kind
from gateway.operation import Figures

_BOUNDS: Final = (*map(str, BOUNDS), "+Inf")


def render(counted: Counted, figures: Figures) -> bytes:
    """In: what this process has counted, what a look has. Out: the text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown([*_of_process(counted), *_of_house(figures)]))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Shown(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_process(counted: Counted) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "einmal_exchanges", "Exchanges that this process ended or put off.", labels=("outcome", "reason")
    )
    for (kind, reason), count in counted.ended_as.items():
        ended.add_metric((kind, reason), count)
    yield ended
    avoided = counted.ended_as[Kind.ANSWERED, ""]
    yield CounterMetricFamily(
        "einmal_questions_avoided",
        "Evidence that an office got from a register and did not have to ask a citizen for.",
        value=avoided,
    )
    yield GaugeMetricFamily("einmal_in_hand", "Deliveries in this process's hand.", value=counted.in_hand)
    rooms = HistogramMetricFamily(
        "einmal_room_seconds", "How long an exchange was in a room.", labels=("room",)
    )
    for room, spread in counted.rooms.items():
        _add(rooms, str(room), spread)
    yield rooms
    calls = HistogramMetricFamily(
        "einmal_register_seconds", "How long a register took to answer or write.", labels=("register",)
    )
    for name, spread in counted.registers.items():
        _add(calls, name, spread)
    yield calls
    failed = CounterMetricFamily(
        "einmal_register_failures", "Calls of a register that failed.", labels=("register", "code")
    )
    for (name, code), count in counted.failed.items():
        failed.add_metric((name, code), count)
    yield failed
    yield GaugeMetricFamily(
        "einmal_outbox_replies",
        "Settled replies that the bus may not have, at the last look.",
        value=counted.replies,
    )
    cosigned = GaugeMetricFamily(
        "einmal_witness_cosigned",
        "1: the witness has cosigned all it was last asked for.",
        labels=("witness",),
    )
    for name, done in counted.witnesses.items():
        cosigned.add_metric((name,), done)
    yield cosigned


def _of_house(figures: Figures) -> Iterator[Metric]:
    """Out: what is None, because nobody could count it, has no value: a nought would be a lie."""
    readiness, health = figures.readiness, figures.readiness.health
    yield GaugeMetricFamily("einmal_ready", "1: this process can answer.", value=readiness.ready)
    yield GaugeMetricFamily("einmal_green", "1: nothing is wrong with the house.", value=health.green)
    parts = GaugeMetricFamily("einmal_part_ok", "1: this part of readiness is well.", labels=("part",))
    for part, wrong in readiness.parts.items():
        parts.add_metric((str(part),), not wrong)
    yield parts
    yield GaugeMetricFamily("einmal_exchanges_accepted", "Exchanges the journal has.", value=health.accepted)
    yield GaugeMetricFamily("einmal_exchanges_terminal", "Exchanges that have ended.", value=health.terminal)
    yield GaugeMetricFamily(
        "einmal_exchanges_in_flight", "Exchanges that have not ended.", value=health.in_flight
    )
    lines = GaugeMetricFamily("einmal_log_lines", "Lines of the log, erased ones too.", labels=("retention",))
    for retention, count in figures.lines.items():
        lines.add_metric((retention,), count)
    yield lines
    signed = figures.signed.timestamp() if figures.signed is not None else None
    yield GaugeMetricFamily(
        "einmal_log_signed_timestamp_seconds", "When a head was signed and kept last.", value=signed
    )
    yield GaugeMetricFamily("einmal_holds", "Holds that stand.", value=figures.holds)
    yield GaugeMetricFamily("einmal_erasures_due", "Lines that are past their time.", value=figures.due)
    yield CounterMetricFamily(
        "einmal_bus_reconnects",
        "Connections to the broker that ended and came back.",
        value=figures.reconnects,
    )


def _add(family: HistogramMetricFamily, label: str, spread: Spread) -> None:
    family.add_metric((label,), list(zip(_BOUNDS, accumulate(spread.parts), strict=True)), spread.seconds)
