"""What a publisher wrote that can't be read is made harmless; all else passes as it is."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.constants import FRAME_BODY, FRAME_HEADER, FRAME_METHOD
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from adapters.bus.rabbitmq.frames import Reader, harmless

SAID = Basic.Properties(
    content_type="application/xml",
    message_id="m-1",
    headers={"jws": "a..b", "n": 3},
    timestamp=datetime(2026, 11, 21, tzinfo=UTC),
)
_PART = 7


def payload(frame: pamqp.frame.FrameTypes) -> bytes:
    """Out: the frame behind its head, with its end."""
    return pamqp.frame.marshal(frame, 1)[_PART:]


def deliver(key: bytes) -> bytes:
    """Out: a basic.deliver with that routing key."""
    said = payload(Basic.Deliver("ctag", 2**63 - 1, False, "einmal.in", "k" * len(key)))
    return said.replace(b"k" * len(key), key)


HOSTILE = {
    "a content type that is no UTF-8": payload(ContentHeader(0, 5, SAID)).replace(b"xml", b"\xff\xfe\xfd"),
    "a header name that is no UTF-8": payload(ContentHeader(0, 5, SAID)).replace(b"jws", b"\xff\xfe\xfd"),
    "a time beyond all calendars": payload(ContentHeader(0, 5, Basic.Properties(timestamp=SAID.timestamp)))[
        :-9
    ]
    + b"\xff" * 8
    + b"\xce",
    "an unknown kind of value": payload(ContentHeader(0, 5, SAID)).replace(b"\x03jwsS", b"\x03jws?"),
    "a table in a table in a table": struct.pack(">HHQH", 60, 0, 5, 1 << 13)
    + b"".join(struct.pack(">I", 6 * left + 4) + b"\x01aF" for left in range(5000, 0, -1))
    + struct.pack(">I", 0)
    + b"\xce",
    "properties that are cut off": struct.pack(">HHQH", 60, 0, 5, 1 << 15) + b"\xce",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_header_that_cannot_be_read_is_emptied(name: str) -> None:
    """As long as before, with the size of its body, and nothing else in it."""
    got = harmless(FRAME_HEADER, HOSTILE[name])
    assert len(got) == len(HOSTILE[name])
    assert got[-1] == 0xCE
    read = ContentHeader()
    read.unmarshal(got[:-1])
    assert (read.body_size, dict(read.properties)) == (5, dict(Basic.Properties()))


def test_a_header_that_can_be_read_stays() -> None:
    """Byte for byte."""
    whole = payload(ContentHeader(0, 5, SAID))
    assert harmless(FRAME_HEADER, whole) == whole


@pytest.mark.parametrize("key", [b"kita.\xff\xfe", "käthe.evidence".encode()])
def test_a_routing_key_becomes_plain(key: bytes) -> None:
    """It can be read, and is as long."""
    got = harmless(FRAME_METHOD, deliver(key))
    read = Basic.Deliver()
    read.unmarshal(got[4:-1])
    assert len(read.routing_key or "") == len(key)
    assert (read.routing_key or "").isascii()
    assert (read.exchange, read.delivery_tag) == ("einmal.in", 2**63 - 1)


def test_a_plain_routing_key_stays() -> None:
    """Byte for byte; so does every other method."""
    for method in (
        deliver(b"kita.evidence"),
        payload(Basic.Ack(200)),
        payload(Basic.GetOk(1, False, "x", "y", 3)),
    ):
        assert harmless(FRAME_METHOD, method) == method


@given(st.binary(max_size=40))
def test_a_body_is_never_touched(body: bytes) -> None:
    """Whatever it begins with: a method's number, for one."""
    for start in (b"", b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x47"):
        assert harmless(FRAME_BODY, start + body) == start + body


async def test_frames_are_told_apart_as_they_come() -> None:
    """One after the other, in the driver's own steps; what is whole comes through, the hostile one harmless."""
    hostile = HOSTILE["a content type that is no UTF-8"]
    head = struct.pack(">BHI", FRAME_HEADER, 1, len(hostile) - 1)
    sent = [
        pamqp.frame.marshal(Basic.Deliver("c", 1, False, "e", "k"), 1),
        head + hostile,
        pamqp.frame.marshal(ContentBody(b"\x00\x3c\x00\x3cxyz"), 1),
        pamqp.frame.marshal(Heartbeat(), 0),
        pamqp.frame.marshal(ContentHeader(0, 5, SAID), 1),
    ]
    source = asyncio.StreamReader()
    source.feed_data(b"".join(sent))
    source.feed_eof()
    reader, got = Reader(source), []
    while not reader.at_eof():
        start = await reader.readexactly(1) + await reader.readexactly(6)
        got.append(start + await reader.readexactly(struct.unpack(">I", start[3:])[0] + 1))
    assert got == [*sent[:1], head + harmless(FRAME_HEADER, hostile), *sent[2:]]
