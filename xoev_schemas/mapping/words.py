"""One value: from a document's text to the record's, and back to escaped text.

A record holds `str` and `bool` only. Dates stay ISO 8601 text; nothing else passes for a date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from xoev_schemas.mapping.errors import Unfit

Read: TypeAlias = Callable[[str], str | bool]
"""In: text as parsed. Out: the record's value. Raises: Unfit."""
Write: TypeAlias = Callable[[object], str | None]
"""In: the record's value. Out: escaped text, or None for "leave it out". Raises: Unfit."""

KINDS: Final = frozenset({"token", "text", "date", "datetime", "boolean", "flag"})

# XML 1.0 (fifth edition) 2.2: what no document can carry, not even escaped.
_FORBIDDEN: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NEVER: Final = re.compile(f"[{_FORBIDDEN}]")
_IN_TEXT: Final = re.compile(rf"[&<>\r{_FORBIDDEN}]")
_IN_ATTRIBUTE: Final = re.compile(rf'[&<>"\r\n\t{_FORBIDDEN}]')
# 2.11 and 3.3.3: a parser turns these into others unless they are written as references.
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"},
)
_ATTRIBUTE_ESCAPES: Final = _ESCAPES | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})

# XML's white space only: a no-break space is a character of a name (DIN 91379), not a gap.
_UNCOLLAPSED: Final = re.compile(r"[\t\n\r]|  |^ | \Z")
_GAP: Final = re.compile(r"[ \t\n\r]+")
_ZONE: Final = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_DATE: Final = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){_ZONE}?")
_DATETIME: Final = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?{_ZONE}?"
)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Word:
    """How one value is read and written."""

    read: Read
    write: Write


def word(kind: str, codes: Mapping[str, str] | None, attribute: bool) -> Word:
    """In: a kind of KINDS, a table code → word if any, where it stands. Out: both ways."""
    escape = escape_attribute if attribute else escape_text
    if codes is not None:
        return Word(_by(codes), _by_written({said: escape(code) for code, said in codes.items()}))
    if kind == "boolean":
        return Word(_boolean, _write_boolean)
    if kind == "flag":
        return Word(_flag, _write_flag)
    if kind == "date":
        return Word(_date, _write_date)
    if kind == "datetime":
        return Word(_datetime, _write_datetime)
    return Word(collapse if kind == "token" else _text, _writer(escape))


def collapse(text: str) -> str:
    """Out: the text as an `xs:token`: no white space at the ends, none but single spaces inside."""
    if _UNCOLLAPSED.search(text) is None:
        return text
    return _GAP.sub(" ", text).strip(" ")


def escape_text(text: str) -> str:
    """Out: the text as element content that parses back to exactly it. Raises: Unfit."""
    if _IN_TEXT.search(text) is None:
        return text
    if _NEVER.search(text) is not None:
        raise Unfit("holds a character that XML can't carry")
    return text.translate(_ESCAPES)


def escape_attribute(text: str) -> str:
    """Out: the text as an attribute value in double quotes that parses back to exactly it. Raises: Unfit."""
    if _IN_ATTRIBUTE.search(text) is None:
        return text
    if _NEVER.search(text) is not None:
        raise Unfit("holds a character that XML can't carry")
    return text.translate(_ATTRIBUTE_ESCAPES)


def _writer(escape: Callable[[str], str]) -> Write:
    def write(value: object) -> str:
        if not isinstance(value, str):
            raise Unfit("is not text")
        return escape(value)

    return write


def _by(table: Mapping[str, str]) -> Read:
    def read(text: str) -> str:
        said = table.get(collapse(text))
        if said is None:
            raise Unfit("is not in its table")
        return said

    return read


def _by_written(table: Mapping[str, str]) -> Write:
    def write(value: object) -> str:
        code = table.get(value) if isinstance(value, str) else None
        if code is None:
            raise Unfit("is not in its table")
        return code

    return write


def _text(text: str) -> str:
    return text


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(collapse(text))
    if value is None:
        raise Unfit("is not a boolean")
    return value


def _write_boolean(value: object) -> str:
    if not isinstance(value, bool):
        raise Unfit("is not a boolean")
    return "true" if value else "false"


def _flag(_: str) -> bool:
    """There is there: XÖV's `test` attribute means a test message whatever it says."""
    return True


def _write_flag(value: object) -> str | None:
    return "true" if _write_boolean(value) == "true" else None


def _date(text: str) -> str:
    """A calendar day; the zone that `xs:date` allows says nothing about a day of birth and is dropped."""
    match = _DATE.fullmatch(collapse(text))
    if match is None:
        raise Unfit("is not a date")
    day = match[1]
    try:
        date.fromisoformat(day)
    except ValueError:
        raise Unfit("is not a date") from None
    return day


def _write_date(value: object) -> str:
    if not isinstance(value, str) or len(value) != len("2026-11-01"):
        raise Unfit("is not a date")
    return _date(value)


def _datetime(text: str) -> str:
    text = collapse(text)
    if _DATETIME.fullmatch(text) is None:
        raise Unfit("is not a date and time")
    return text


def _write_datetime(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit("is not a date and time")
    return _datetime(value)
