"""multipart/related: a message and what it refers to by `cid`, as one body (RFC 2387, 2392, 2046 5.1, 2045).

Only what such bodies need: parts as they are (no transfer encoding), the message first or named by `start`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Final

MEDIA_TYPE: Final = "multipart/related"
MOST_PARTS: Final = 16
_LARGEST_HEAD: Final = 2_000
"""Bytes of one part's header."""
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(rf';\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*')
_TYPE: Final = re.compile(rf"({_WORD}/{_WORD})\s*")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PLAIN_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary"})


class Malformed(Exception):
    """The bytes are no multipart/related body. Says nothing of them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its id without angle brackets, its media type, its bytes."""

    id: str
    content_type: str
    body: bytes = field(repr=False)


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """In: a content type (RFC 2045 5.1). Out: the type and its parameters, names in lower case.

    Raises: Malformed, for a parameter given twice as well.
    """
    found = _TYPE.match(header.strip())
    if found is None:
        raise Malformed
    parameters: dict[str, str] = {}
    text, at = header.strip(), found.end()
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is None or parameter[1].lower() in parameters:
            raise Malformed
        quoted = parameter[2]
        value = parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        parameters[parameter[1].lower()] = value
        at = parameter.end()
    return found[1].lower(), parameters


def build(parts: Sequence[Part]) -> tuple[str, bytes]:
    """In: the parts, the message first. Out: the content type and the body; the same for the same parts."""
    boundary = _boundary(parts)
    pieces: list[bytes] = []
    for part in parts:
        head = (
            f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: <{part.id}>\r\n\r\n"
        )
        pieces += [head.encode("ascii"), part.body, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    kind = parts[0].content_type.partition(";")[0]
    header = f'{MEDIA_TYPE}; type="{kind}"; start="<{parts[0].id}>"; boundary="{boundary}"'
    return header, b"".join(pieces)


def parse(header: str, body: bytes) -> tuple[Part, ...]:
    """In: content type and body. Out: the parts, the message first. Raises: Malformed."""
    kind, parameters = media_type(header)
    boundary = parameters.get("boundary", "")
    if kind != MEDIA_TYPE or not _BOUNDARY.fullmatch(boundary):
        raise Malformed
    lines = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary.encode("ascii")) + rb"(--)?[ \t]*(?:\r\n|\Z)")
    marks = _marks(lines, body)
    parts = tuple(_part(body[opened.end() : closed.start()]) for opened, closed in pairwise(marks))
    if len({part.id for part in parts}) != len(parts):
        raise Malformed
    start = parameters.get("start")
    if start is None:
        return parts
    first = [part for part in parts if f"<{part.id}>" == start]
    if not first:
        raise Malformed
    return (first[0], *(part for part in parts if part is not first[0]))


def _marks(lines: re.Pattern[bytes], body: bytes) -> list[re.Match[bytes]]:
    """Out: every boundary up to the closing one; the line end before a boundary belongs to it."""
    marks: list[re.Match[bytes]] = []
    at = 0
    while (mark := lines.search(body, at)) is not None:
        marks.append(mark)
        if mark[1] is not None:
            break
        if len(marks) > MOST_PARTS:
            raise Malformed
        at = max(mark.end() - 2, mark.start() + 1)
    if len(marks) < 2 or marks[-1][1] is None:
        raise Malformed
    return marks


def _part(piece: bytes) -> Part:
    head, blank, body = piece.partition(b"\r\n\r\n")
    if not blank or len(head) > _LARGEST_HEAD or not head.isascii():
        raise Malformed
    fields: dict[str, str] = {}
    for line in head.decode("ascii").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or name.lower() in fields or name != name.strip():
            raise Malformed
        fields[name.lower()] = value.strip()
    identifier = fields.get("content-id", "")
    plain = fields.get("content-transfer-encoding", "7bit").lower() in _PLAIN_ENCODINGS
    if not plain or not (identifier.startswith("<") and identifier.endswith(">")):
        raise Malformed
    return Part(identifier[1:-1], fields.get("content-type", "text/plain"), body)


def _boundary(parts: Sequence[Part]) -> str:
    """Out: a digest of the parts, so that none of them can hold it."""
    digest = sha256()
    for part in parts:
        digest.update(part.body)
    return digest.hexdigest()[:40]
