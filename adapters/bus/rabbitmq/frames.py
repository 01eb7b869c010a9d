"""What comes in, looked at before the driver reads it: a header that can't be read must not end the connection.

RabbitMQ hands on what a publisher wrote: a text that is no UTF-8, a date beyond all calendars, a table in a table in a
table. The driver gives up the connection over it, and the message would come back for ever, with everybody else's.
Here such a header is emptied: its message then has no signature, and is quarantined like any other from nobody.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from pamqp.constants import FRAME_HEADER, FRAME_METHOD
from pamqp.header import ContentHeader
from yarl import URL

_DELIVER: Final = b"\x00\x3c\x00\x3c"
"""basic.deliver; its last field is the routing key."""
_GET_OK: Final = b"\x00\x3c\x00\x47"
_SIZE_END: Final = 12
"""In a content header: class, weight and size of the body are before it, the properties after it."""


class Watched(TransportFactory):
    """Makes connections whose frames are looked at."""

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Out: as the driver's own, the reader watched."""
        factory: TransportFactory = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        reader, writer = await factory.create(url, **kwargs)
        return cast("asyncio.StreamReader", Reader(reader)), writer


class Reader:
    """A reader of frames (AMQP 0-9-1, 4.2.3) as the driver uses it: type, the rest of the head, payload with end."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader, self._kind, self._part = reader, 0, 0

    def at_eof(self) -> bool:
        return self._reader.at_eof()

    async def read(self, count: int = -1) -> bytes:
        return await self._reader.read(count)

    async def readexactly(self, count: int) -> bytes:
        """Out: so many bytes, harmless ones for harmful ones."""
        got = await self._reader.readexactly(count)
        if self._part == 0:
            self._kind = got[0]
        elif self._part == 2:
            got = harmless(self._kind, got)
        self._part = (self._part + 1) % 3
        return got


def harmless(kind: int, payload: bytes) -> bytes:
    """In: a frame's type; its payload with its end. Out: as long, and readable."""
    if kind == FRAME_HEADER:
        try:
            ContentHeader().unmarshal(payload[:-1])
        except Exception:  # noqa: BLE001  whatever it is that can't be read
            return payload[:_SIZE_END] + bytes(len(payload) - _SIZE_END - 1) + payload[-1:]
    elif kind == FRAME_METHOD and payload[:4] in (_DELIVER, _GET_OK):
        return _with_plain_key(payload)
    return payload


def _with_plain_key(payload: bytes) -> bytes:
    """Out: the method with a routing key of ASCII."""
    at = _key_at(payload)
    key = payload[at : at + payload[at - 1]]
    if key.isascii():
        return payload
    plain = bytes(one if one < 128 else ord("?") for one in key)
    return payload[:at] + plain + payload[at + len(key) :]


def _key_at(payload: bytes) -> int:
    """Out: where the routing key begins, behind the byte that is its length."""
    at = 4
    if payload[:4] == _DELIVER:
        at += 1 + payload[at]  # consumer tag
    at += 9  # delivery tag, redelivered
    at += 1 + payload[at]  # exchange
    return at + 1
