"""The watch: everything the house logs or raises during the whole test run is scanned for what was planted."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from planted import MARKERS

from gateway import telemetry

OURS = ("gateway", "consent", "adapters", "xoev_schemas")


class Watch(io.StringIO):
    """Collects log lines and the texts of our own exceptions; remembers every planted word it saw, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self.exceptions = 0
        self.found: list[str] = []

    def write(self, text: str) -> int:
        self.lines += text.count("\n")
        self._scan(text, "a log line")
        return len(text)

    def saw(self, error: BaseException, place: str) -> None:
        """Scan an exception of ours as a log would show it: text, arguments, and what it was raised from."""
        self.exceptions += 1
        shown: BaseException | None = error
        while shown is not None:
            self._scan(
                f"{shown!s} {shown!r} {getattr(shown, '__notes__', '')}", f"{type(shown).__name__} at {place}"
            )
            shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)

    def _scan(self, text: str, place: str) -> None:
        self.found += [f"{place} shows a planted word" for marker in MARKERS if marker in text]


class _Handler(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.write(self.format(record) + "\n")


WATCH = Watch()


def _trace(frame: FrameType, event: str, argument: Any) -> Any:
    """Follow frames of our packages only, and of them only the exceptions."""
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if module not in OURS:
        return None
    frame.f_trace_lines = False
    if event == "exception" and type(argument[1]).__module__.partition(".")[0] in OURS:
        WATCH.saw(argument[1], f"{frame.f_globals['__name__']}:{frame.f_lineno}")
    return _trace


@pytest.fixture(autouse=True, scope="session")
def _watched() -> Iterator[None]:
    """Every log line of ours and of every library goes to the watch, at every level."""
    telemetry.configure(WATCH)
    handler = _Handler(WATCH)
    root = logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)


@pytest.fixture
def exceptions_watched() -> Iterator[Watch]:
    """Within the test, every exception of ours that passes one of our frames is scanned, in every thread."""
    before = sys.gettrace()
    threading.settrace(_trace)
    sys.settrace(_trace)
    yield WATCH
    sys.settrace(before)
    threading.settrace(None)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(
        f"privacy watch: {WATCH.lines} log lines and {WATCH.exceptions} exceptions scanned for "
        f"{len(MARKERS)} planted words, {len(WATCH.found)} found"
    )
    for place in sorted(set(WATCH.found)):
        terminalreporter.write_line(f"  {place}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if WATCH.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
