"""The watch: everything the house logs or raises during the whole test run is scanned for what was planted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import brokers
import counted
import databases as servers
import pytest
from hypothesis import HealthCheck, settings
from planted import MARKERS
from watch import Watch, WatchHandler

from gateway import telemetry

WATCH = Watch()
# How long an example takes says something of the machine, and nothing of the law.
settings.register_profile("einmal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("einmal")


@pytest.fixture(autouse=True, scope="session")
def _watched() -> Iterator[None]:
    """Every log line of every library goes to the watch, at every level."""
    handler = WatchHandler(WATCH)
    root = logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)


def pytest_runtest_setup() -> None:
    """Our own log goes to the watch too, whatever a command run by an earlier test has set."""
    telemetry.configure(WATCH)


@pytest.fixture
def exceptions_watched() -> Iterator[Watch]:
    """Within the test, every exception of ours that passes one of our frames is scanned, in every thread."""
    with WATCH.following():
        yield WATCH


@pytest.fixture(scope="session")
def databases() -> Iterator[servers.Databases]:
    """Databases of this run on a PostgreSQL server. Absent: left out; with CI set a failure."""
    servers.needed()
    made = servers.Databases()
    yield made
    made.drop()


class Workers:
    """What the processes that share the tests have seen and counted comes to the one that tells it."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        seen = getattr(node, "workeroutput", {}).get("einmal")
        if seen is not None:
            WATCH.lines += seen["lines"]
            WATCH.exceptions += seen["exceptions"]
            WATCH.found += seen["found"]
            counted.take(seen["counted"])


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Workers())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(
        f"privacy watch: {WATCH.lines} log lines and {WATCH.exceptions} exceptions scanned for "
        f"{len(MARKERS)} planted words, {len(WATCH.found)} found"
    )
    for place in sorted(set(WATCH.found)):
        terminalreporter.write_line(f"  {place}")
    for text in counted.lines():
        terminalreporter.write_line(text)
    if not servers.listens():
        terminalreporter.write_line(f"skipped what runs on PostgreSQL: {servers.ABSENT}")
    if not brokers.listens():
        terminalreporter.write_line(f"skipped what runs on RabbitMQ: {brokers.ABSENT}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["einmal"] = {
            "lines": WATCH.lines,
            "exceptions": WATCH.exceptions,
            "found": WATCH.found,
            "counted": counted.plain(),
        }
    if WATCH.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
