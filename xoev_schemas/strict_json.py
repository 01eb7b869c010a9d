"""JSON as strictly as XML: UTF-8, every key once, no numbers that are none, bounded depth.

Sources: RFC 8259, RFC 7493 (I-JSON). Raises the same `Unsafe` as the XML parser, and like it never content.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from xoev_schemas.safe_xml import Code, Limits, Unsafe

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def parse(body: bytes, limits: Limits) -> Any:
    """In: a message as received. Out: dicts, lists, texts, numbers, booleans, None. Raises: Unsafe."""
    if len(body) > limits.bytes:
        raise Unsafe("too-large")
    text = _text(body)
    if _deep(body, limits.depth):
        raise Unsafe("too-deep")
    wrong: Unsafe | None = None
    found: Any = None
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # a JSONDecodeError holds the whole text
        wrong = Unsafe("malformed", getattr(error, "lineno", None))
    else:
        if "\\ud" in text or "\\uD" in text:
            wrong = _lone_surrogate(found)
    if wrong is not None:
        raise wrong
    return found


def build(record: Any) -> bytes:
    """In: a record. Out: its JSON: UTF-8, compact, in the record's order."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _text(body: bytes) -> str:
    wrong: Code | None = None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text, wrong = "", "encoding"
    if wrong is not None or text.startswith("\ufeff") or "\0" in text:
        raise Unsafe("encoding")  # RFC 8259 8.1: no byte order mark; NUL: UTF-16 and UTF-32
    return text


def _deep(body: bytes, most: int) -> bool:
    """Out: whether lists and objects are nested deeper than `most`; one pass, only where they could be."""
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for token in _TOKEN.finditer(body):
        kind = token[0][:1]
        if kind in b"[{":
            depth += 1
            if depth > most:
                return True
        elif kind != b'"':
            depth -= 1
    return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a number")


def _lone_surrogate(found: Any) -> Unsafe | None:
    return Unsafe("encoding") if _SURROGATE.search(json.dumps(found, ensure_ascii=False)) else None
