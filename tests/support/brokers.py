"""A RabbitMQ for the tests: where it is, what a test left there, and a connection to it that breaks when it is to."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import absent
import aiormq
import pamqp.frame
from yarl import URL

from adapters.bus.names import queue_of
from adapters.bus.rabbitmq.topology import LEVELS, Topology

SERVER: Final = URL(os.environ.get("EINMAL_TEST_AMQP") or "amqp://guest:guest@127.0.0.1:5672/")
"""Whoever that is may make and delete queues."""
ABSENT: Final = (
    f"no RabbitMQ at {SERVER.host}:{SERVER.port}: start one there that takes {SERVER.user}, "
    "or set EINMAL_TEST_AMQP to a URL"
)
When: TypeAlias = Literal["before", "after"]
_ACK: Final = b"\x00\x3c\x00\x50"
"""basic.ack (AMQP 0-9-1): what confirms."""


def listens() -> bool:
    """Out: whether anybody is there."""
    return absent.listens(SERVER.host, SERVER.port or 5672)


def needed() -> None:
    """Without a broker: left out; with CI set a failure."""
    if not listens():
        absent.leave_out(ABSENT)


@asynccontextmanager
async def connected(url: str = str(SERVER)) -> AsyncIterator[aiormq.abc.AbstractChannel]:
    """A channel of a client that is not ours."""
    connection = await aiormq.connect(url)
    try:
        yield await connection.channel(on_return_raises=True)
    finally:
        await connection.close()


async def clear(namespace: str, consumers: Iterable[str], replies: Iterable[str]) -> None:
    """Nothing of the namespace is left on the broker."""
    names = Topology(namespace)
    queues = [names.dead, names.serving, *(f"{names.wait}.{level}" for level in LEVELS), *replies]
    async with connected() as channel:
        for queue in (*queues, *(queue_of(namespace, consumer) for consumer in consumers)):
            await channel.queue_delete(queue)
        for exchange in (names.inbox, names.events, names.dead, names.wait):
            await channel.exchange_delete(exchange)


class Users:
    """Users of one run, with the rights that their part needs and no others. Made by the broker's own tool, which wants
    its machine and its administrator."""

    def __init__(self, namespace: str, consumers: Iterable[str]) -> None:
        self.namespace, self.password = namespace, secrets.token_hex(16)
        self.names = {"": f"{namespace}-house", **{one: f"{namespace}-{one}" for one in consumers}}
        """By consumer; the house under no name."""

    def url(self, consumer: str = "") -> str:
        """Out: where the broker is, for that user."""
        return str(SERVER.with_user(self.names[consumer]).with_password(self.password))

    def make(self) -> None:
        """A house may all that begins with its namespace; a consumer may ask, and read its own replies."""
        _tool(*(self._making(one) for one in self.names))

    def remove(self) -> None:
        """None is left."""
        _tool(
            *(
                f"rabbit_auth_backend_internal:delete_user({_erl(name)}, {_TEST})"
                for name in self.names.values()
            )
        )

    def _making(self, consumer: str) -> str:
        name, ours = _erl(self.names[consumer]), self.namespace.replace("-", "[-]")
        own = rf"^{ours}[.]reply[.]{consumer}[.].*$"
        rights = (
            (own, f"^{ours}[.]in$", own)
            if consumer
            else (f"^{ours}[.].*$", f"^({ours}[.].*|amq[.]default)$", f"^{ours}[.].*$")
        )
        granted = ", ".join(_erl(right) for right in rights)
        vhost = _erl(SERVER.path.removeprefix("/") or "/")
        return (
            f"rabbit_auth_backend_internal:add_user({name}, {_erl(self.password)}, {_TEST}), "
            f"rabbit_auth_backend_internal:set_permissions({name}, {vhost}, {granted}, {_TEST})"
        )


_TEST: Final = '<<"test">>'
_TOOL: Final = "rabbitmqctl"
NO_TOOL: Final = f"{_TOOL} can't be used: run the tests as root on the broker's machine"


def has_tool() -> bool:
    """Out: whether users can be made."""
    return shutil.which(_TOOL) is not None and os.geteuid() == 0 and SERVER.host in ("127.0.0.1", "localhost")


def tool_needed() -> None:
    """Without it: left out; with CI set a failure."""
    needed()
    if not has_tool():
        absent.leave_out(NO_TOOL)


def _erl(text: str) -> str:
    return f'<<"{text}">>'


def _tool(*calls: str) -> None:
    subprocess.run([_TOOL, "-q", "eval", ", ".join(calls) + "."], check=True, capture_output=True, timeout=60)


@dataclass
class Proxy:
    """A port of this machine behind which the broker is, until it is cut off.

    Armed, it ends the connection that publishes a message with `marker` in it: before the broker has it, or after it
    has confirmed it and before anybody hears of that. Once.
    """

    when: When | None = None
    marker: bytes = b""
    fired: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> str:
        """Out: the broker's URL, by way of this port."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(SERVER.with_host(host).with_port(port))

    def say(self, frame: pamqp.frame.FrameTypes) -> None:
        """Tell every client something as if the broker had: between two frames, when it is quiet."""
        for writer in self._clients:
            writer.write(pamqp.frame.marshal(frame, 0))

    def cut(self) -> None:
        """End every connection at once."""
        for writer in self._open:
            writer.transport.abort()

    async def close(self) -> None:
        """Nobody gets through any more."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(SERVER.host, SERVER.port)
        self._open |= {writer, back}
        self._clients.add(writer)
        seen = asyncio.Event()

        async def forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter, out: bool) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    if self._breaks(data, seen, out):
                        self.cut()
                        return
                    sink.write(data)
                    await sink.drain()
            sink.close()

        try:
            await asyncio.gather(forward(reader, back, True), forward(there, writer, False))
        finally:
            self._open -= {writer, back}
            self._clients.discard(writer)
            for one in (writer, back):
                one.close()
                with suppress(OSError):
                    await one.wait_closed()

    def _breaks(self, data: bytes, seen: asyncio.Event, out: bool) -> bool:
        if self.when is None or self.fired.is_set():
            return False
        if out and self.marker in data:
            seen.set()
        if seen.is_set() and (out if self.when == "before" else not out and _ACK in data):
            self.fired.set()
        return self.fired.is_set()
