"""multipart/related: what is built can be read by others; what is read is what was meant."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest

from xoev_schemas.multipart import Malformed, Part, build, media_type, parse

PARTS = (
    Part("message@example", "application/x-ebrs+xml", b"<a/>"),
    Part("evidence@example", "application/xml", b"<b>\r\n--x\r\n</b>"),
)
HEADER = 'multipart/related; boundary="b"; type="application/xml"'


def body(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


def test_the_standard_library_reads_what_is_built() -> None:
    """A reader that isn't ours finds both parts, byte for byte, and the ids."""
    header, built = build(PARTS)
    message = message_from_bytes(b"Content-Type: " + header.encode() + b"\r\n\r\n" + built)
    found = message.get_payload()
    assert isinstance(found, list)
    parts = [part for part in found if isinstance(part, Message)]
    assert [part["Content-ID"] for part in parts] == ["<message@example>", "<evidence@example>"]
    assert [part.get_payload(decode=True) for part in parts] == [part.body for part in PARTS]
    assert message.get_param("type") == "application/x-ebrs+xml"
    assert message.get_param("start") == "<message@example>"


def test_the_boundary_is_the_parts_own() -> None:
    """Other parts, other boundary: none can be written so as to hold it; the same parts, the same bytes."""
    header, first = build(PARTS)
    parts = (PARTS[0], Part("x@example", "text/plain", first))
    assert parse(*build(parts)) == parts
    assert build(PARTS) == (header, first)


def test_the_start_parameter_names_the_first_part() -> None:
    """The message may stand anywhere."""
    built = body(b"Content-ID: <a>\r\n\r\n1", b"Content-ID: <b>\r\n\r\n2")
    assert [part.id for part in parse(f'{HEADER}; start="<b>"', built)] == ["b", "a"]
    assert [part.id for part in parse(HEADER, built)] == ["a", "b"]


def test_text_before_and_after_the_parts_is_passed_over() -> None:
    """Preamble and epilogue are no parts (RFC 2046 5.1.1)."""
    built = b"hello\r\n" + body(b"Content-ID: <a>\r\n\r\n1") + b"bye"
    assert [part.body for part in parse(HEADER, built)] == [b"1"]


@pytest.mark.parametrize(
    ("header", "built"),
    [
        ("multipart/related", body(b"Content-ID: <a>\r\n\r\n1")),
        ("multipart/mixed; boundary=b", body(b"Content-ID: <a>\r\n\r\n1")),
        ("multipart/related; boundary=b; boundary=c", body(b"Content-ID: <a>\r\n\r\n1")),
        (HEADER, b""),
        (HEADER, body()),
        (HEADER, body(b"Content-ID: <a>\r\n\r\n1", end=b"")),
        (HEADER, body(b"Content-ID: <a>")),
        (HEADER, body(b"\r\n1")),
        (HEADER, body(b"Content-ID: a\r\n\r\n1")),
        (HEADER, body(b"Content-ID: <a>\r\nContent-ID: <b>\r\n\r\n1")),
        (HEADER, body(b"Content-ID: <a>\r\n\r\n1", b"Content-ID: <a>\r\n\r\n2")),
        (HEADER, body(b"Content-ID: <a>\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==")),
        (HEADER, body(b"Content-ID: <a>\r\nX: \xfc\r\n\r\n1")),
        (HEADER, body(*(b"Content-ID: <%d>\r\n\r\n1" % number for number in range(40)))),
        (f'{HEADER}; start="<other>"', body(b"Content-ID: <a>\r\n\r\n1")),
    ],
)
def test_what_is_not_sound_is_refused_whole(header: str, built: bytes) -> None:
    """No guessing: boundary, ids and ends must be there and unique."""
    with pytest.raises(Malformed):
        parse(header, built)


@pytest.mark.parametrize(
    ("header", "kind", "parameters"),
    [
        ("application/xml", "application/xml", {}),
        (" Application/XML ; Charset=UTF-8 ", "application/xml", {"charset": "UTF-8"}),
        ('a/b; x="1;2\\"3"; y=z', "a/b", {"x": '1;2"3', "y": "z"}),
    ],
)
def test_a_content_type_is_read_with_its_parameters(
    header: str, kind: str, parameters: dict[str, str]
) -> None:
    """Names fold their case, values don't (RFC 2045 5.1)."""
    assert media_type(header) == (kind, parameters)


@pytest.mark.parametrize("header", ["", "xml", "a/b; x", "a/b; x=1; x=2", "a/b x=1", "a/b; x=1 y"])
def test_a_content_type_that_is_none_is_refused(header: str) -> None:
    """Half a parameter is not guessed at."""
    with pytest.raises(Malformed):
        media_type(header)
