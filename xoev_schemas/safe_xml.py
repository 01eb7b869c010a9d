"""The only XML parser in the house. Bytes that nobody vouches for go in, a tree within its limits comes out.

Everything that can make a parser work for an attacker is refused on the bytes, before a tree is built:
size, encoding, document types (and with them entities and external references), elements, attributes, text.
Depth is stopped by libxml2 while it builds (256 levels) and cut to the configured limit on a tree that is
small by then. Comments and processing instructions never reach the tree, so text around them stays one text.

Sources: W3C XML 1.0 (5th ed.) 2.8, 4.3.3, F; OWASP XML External Entity Prevention.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from lxml import etree
from typing_extensions import override

Code: TypeAlias = Literal[
    "malformed",
    "too-large",
    "too-deep",
    "too-many-elements",
    "too-many-attributes",
    "text-too-long",
    "dtd",
    "encoding",
]

DEEPEST: Final = 255
"""Levels libxml2 itself still builds; no configured depth can be more."""


class Unsafe(Exception):
    """The bytes are not XML this house reads. Carries a code and a line, never content."""

    def __init__(self, code: Code, line: int | None = None) -> None:
        super().__init__(code if line is None else f"{code} (line {line})")
        self.code: Code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message may cost."""

    bytes: int = 2_000_000
    depth: int = 64
    """Levels of elements, the root being the first; at most 255."""
    elements: int = 50_000
    attributes: int = 64
    """Attributes of one element, namespace declarations included."""
    text_bytes: int = 1_000_000
    """One text, as written, with the tag before it."""

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= DEEPEST:
            raise ValueError(f"depth must be between 1 and {DEEPEST}")


_DECLARATION: Final = re.compile(
    rb"<\?xml\s++version\s*+=\s*+(?:'1\.0'|\"1\.0\")"
    rb"(?:\s++encoding\s*+=\s*+(?:'([A-Za-z0-9._-]++)'|\"([A-Za-z0-9._-]++)\"))?+"
    rb"(?:\s++standalone\s*+=\s*+(?:'(?:yes|no)'|\"(?:yes|no)\"))?+\s*+\?>"
)
_VALUE: Final = re.compile(rb"\"[^\"]*+\"|'[^']*+'|>")
_BOM: Final = b"\xef\xbb\xbf"

_PARSER: Final = etree.XMLParser(  # noqa: TID251  (the parser's one home)
    encoding="utf-8",
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    attribute_defaults=False,
    huge_tree=False,
    recover=False,
    remove_comments=True,
    remove_pis=True,
    strip_cdata=True,
    collect_ids=False,
)
_SCHEMA_PARSER: Final = etree.XMLParser(  # noqa: TID251
    resolve_entities="internal", no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
)


def parse(body: bytes, limits: Limits) -> etree._Element:
    """In: a message as received. Out: its root, within the limits. Raises: Unsafe."""
    if len(body) > limits.bytes:
        raise Unsafe("too-large")
    body = _utf8(body)
    _within(body, limits)
    root = _built(body, _PARSER)
    if _deeper_than(limits.depth)(root):
        raise Unsafe("too-deep")
    return root


def parse_schema(file: bytes) -> etree._Element:
    """In: a schema file an administrator installs. Out: its root.

    Other than a message it may have a document type with internal entities (the W3C's own schemas do);
    nothing external is ever loaded. Raises: Unsafe.
    """
    return _built(file, _SCHEMA_PARSER)


def _utf8(body: bytes) -> bytes:
    """Out: the body without its byte order mark, if it is UTF-8 and says nothing else. Raises: Unsafe."""
    if body.startswith(_BOM):
        body = body[3:]
    if not body.isascii():
        try:
            body.decode("utf-8")
            valid = True
        except UnicodeDecodeError:
            valid = False
        if not valid:
            raise Unsafe("encoding")
    if b"\0" in body:
        raise Unsafe("encoding")  # UTF-16 and UTF-32 without a mark; NUL is no XML character anyway
    if body.startswith(b"<?xml") and body[5:6].isspace():
        declared = _DECLARATION.match(body)
        if declared is None:
            raise Unsafe("malformed", 1)
        encoding = declared[1] or declared[2]
        if encoding is not None and encoding.upper() != b"UTF-8":
            raise Unsafe("encoding", 1)
        body = body[declared.end() :]
    elif not body.lstrip(b" \t\r\n").startswith(b"<"):
        raise Unsafe("malformed", 1)
    return body


def _within(body: bytes, limits: Limits) -> None:
    """Count what the tree would hold, on the bytes. Raises: Unsafe."""
    markup = body
    if (b"!" in body and b"<!" in body) or (
        b"?" in body and b"<?" in body
    ):  # one byte is found faster than two
        markup = _markup(body)
    tags = markup.count(b"<")
    if tags > limits.elements and tags - markup.count(b"</") > limits.elements:
        raise Unsafe("too-many-elements")
    if markup.count(b"=") > limits.attributes or len(markup) > limits.text_bytes:
        for piece in markup.split(b"<"):
            if len(piece) > limits.text_bytes:
                raise Unsafe("text-too-long")
            if piece.count(b"=") > limits.attributes and _values(piece, limits.attributes):
                raise Unsafe("too-many-attributes")


def _markup(body: bytes) -> bytes:
    """Out: the body as its tree would hold it: no comment, no instruction, CDATA as plain text.

    Raises: Unsafe("dtd") for a document type. One pass, linear in the size.
    """
    kept: list[bytes] = []
    at = 0
    while (start := body.find(b"<", at)) >= 0:
        if body.startswith(b"<!--", start):
            end, mark, text = body.find(b"-->", start + 4), 3, None
        elif body.startswith(b"<?", start):
            end, mark, text = body.find(b"?>", start + 2), 2, None
        elif body.startswith(b"<![CDATA[", start):
            end, mark, text = body.find(b"]]>", start + 9), 3, start + 9
        elif body.startswith(b"<!DOCTYPE", start):
            raise Unsafe("dtd", body.count(b"\n", 0, start) + 1)
        elif body.startswith(b"<!", start):
            raise Unsafe("malformed", body.count(b"\n", 0, start) + 1)
        else:
            after = _next_special(body, start)
            kept.append(body[at:after])
            at = after
            continue
        if end < 0:
            raise Unsafe("malformed", body.count(b"\n", 0, start) + 1)
        kept.append(body[at:start])
        if text is not None:
            kept.append(body[text:end].replace(b"<", b" "))
        at = end + mark
    kept.append(body[at:])
    return b"".join(kept)


_SPECIAL: Final = re.compile(rb"<[!?]")


def _next_special(body: bytes, start: int) -> int:
    found = _SPECIAL.search(body, start)
    return found.start() if found else len(body)


def _values(piece: bytes, most: int) -> bool:
    """In: what follows a `<`. Out: whether its tag has more than `most` quoted values."""
    for seen, value in enumerate(_VALUE.finditer(piece), start=1):
        if value[0] == b">":
            return False
        if seen > most:
            return True
    return False


def _built(body: bytes, parser: etree.XMLParser) -> etree._Element:  # noqa: TID251
    fault: Unsafe | None = None
    try:
        return etree.fromstring(body, parser)  # noqa: TID251
    except etree.XMLSyntaxError as error:  # its text can quote the message, so only code and line go on
        deep = error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT
        fault = Unsafe("too-deep" if deep else "malformed", error.lineno)
    raise fault


@lru_cache(maxsize=16)
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (levels + 1) + ")")


def parse_assembled(texts: Mapping[str, bytes], top: str) -> etree._Element:
    """In: schema texts by their names, and the name of the first. Out: its root; from it, libxml2 finds the
    others by name, and whatever is not among them fails."""

    class Known(etree.Resolver):
        @override
        def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
            return self.resolve_string(texts[system_url or ""].decode(), context)

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)  # noqa: TID251
    parser.resolvers.add(Known())
    return etree.fromstring(texts[top], parser)  # noqa: TID251
