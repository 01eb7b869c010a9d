"""How long things take: medians of rounds, in one process, with the collector running as in real life."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter, process_time


def per_call_us(call: Callable[[], object], seconds: float = 0.3) -> float:
    """Out: microseconds a call takes, the median of five rounds."""
    call()
    calls, rounds = 1, []
    while True:
        start = perf_counter()
        for _ in range(calls):
            call()
        spent = perf_counter() - start
        if spent > seconds / 10:
            break
        calls *= 2
    calls = max(1, int(calls * seconds / 5 / spent))
    for _ in range(5):
        start = perf_counter()
        for _ in range(calls):
            call()
        rounds.append((perf_counter() - start) / calls)
    return median(rounds) * 1e6


async def elapsed(work: Awaitable[object]) -> tuple[float, float]:
    """Out: seconds of the clock and of the processor until the work is done."""
    clock, processor = perf_counter(), process_time()
    await work
    return perf_counter() - clock, process_time() - processor


def resident_mb() -> float:
    """Out: how much memory this process holds now (Linux; elsewhere the most it ever held)."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return round(getrusage(RUSAGE_SELF).ru_maxrss / 1024, 1)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def machine() -> dict[str, str | int]:
    """Out: what every figure says of where it was measured."""
    return {
        "cpus": os.cpu_count() or 0,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("sqlalchemy", "lxml", "pydantic", "pynacl")},
    }
