"""Any text in a PostgreSQL column. The server takes every character but NUL, and what comes from outside may hold one:
a message id that nobody signed. It is kept as an escape that no other text is kept as, and read back as it came."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.types.string import StrDumper, TextLoader

_ESCAPE: Final = "\x1a"
_NUL: Final = _ESCAPE + "0"


class _Dumper(StrDumper):
    def dump(self, obj: str) -> Buffer | None:
        if "\0" in obj or _ESCAPE in obj:
            obj = obj.replace(_ESCAPE, _ESCAPE * 2).replace("\0", _NUL)
        return super().dump(obj)


class _Loader(TextLoader):
    def load(self, data: Buffer) -> bytes | str:
        text = super().load(data)
        if isinstance(text, bytes) or _ESCAPE not in text:
            return text
        return _ESCAPE.join(part.replace(_NUL, "\0") for part in text.split(_ESCAPE * 2))


def take(connection: psycopg.Connection[Any]) -> None:
    """Let the connection take and give any text."""
    connection.adapters.register_dumper(str, _Dumper)
    connection.adapters.register_loader("text", _Loader)
