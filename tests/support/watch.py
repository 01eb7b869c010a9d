"""The privacy watch: what the house logs or raises is scanned for the words that the tests have planted."""

from __future__ import annotations

import dis
import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from planted import MARKERS

_RAISE = dis.opmap["RAISE_VARARGS"]
OURS = ("gateway", "consent", "adapters", "xoev_schemas")


def _is_ours(kind: type[BaseException]) -> bool:
    return kind.__module__.partition(".")[0] in OURS


def _says_so_itself(frame: FrameType, trace: TracebackType | None) -> bool:
    """Out: whether the frame's own `raise` is the origin, whatever the type: a library's exception that only
    passes may still hold content, until it is mapped."""
    return (trace is None or trace.tb_next is None) and frame.f_code.co_code[frame.f_lasti] == _RAISE


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

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Follow frames of our packages only, and of them only the exceptions."""
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module not in OURS:
            return None
        frame.f_trace_lines = False
        if event == "exception" and (_is_ours(type(argument[1])) or _says_so_itself(frame, argument[2])):
            self.saw(argument[1], f"{frame.f_globals['__name__']}:{frame.f_lineno}")
        return self.trace

    @contextmanager
    def following(self) -> Iterator[None]:
        """Meanwhile every exception of ours that passes one of our frames is scanned, in every new thread too."""
        before = sys.gettrace()
        threading.settrace(self.trace)
        sys.settrace(self.trace)
        try:
            yield
        finally:
            sys.settrace(before)
            threading.settrace(None)


class WatchHandler(logging.Handler):
    """Hands every library's log records to the watch, at every level."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.write(self.format(record) + "\n")
