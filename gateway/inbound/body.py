"""From bytes to a record: by content type, through the strict parsers, judged by schema and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from lxml import etree

from consent.vocabulary import ReasonCode
from gateway.inbound.misread import NotUnderstood
from xoev_schemas import multipart, rules, safe_xml, strict_json
from xoev_schemas.languages import JSON, Languages, Spoken
from xoev_schemas.mapping import MappingError
from xoev_schemas.safe_xml import Unsafe

XML_TYPE: Final = "application/xml"
JSON_TYPE: Final = "application/json"
ENCRYPTED_TYPE: Final = "application/jose"
_XML_PARTS: Final = frozenset({XML_TYPE, "application/x-ebrs+xml", "text/xml"})

_REASONS: Final[Mapping[str, ReasonCode]] = {
    "malformed": ReasonCode.MALFORMED,
    "dtd": ReasonCode.MALFORMED,
    "encoding": ReasonCode.MALFORMED,
}
"""Of the parsers' codes; every other one says that something was too much."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a known language, not yet judged: a document with the message it is, or JSON's record."""

    language: str
    root: etree._Element | None = field(default=None, repr=False)
    spoken: Spoken | None = None
    json: Any = field(default=None, repr=False)


def parse(content_type: str, body: bytes, languages: Languages) -> Said:
    """In: a body and what it is said to be. Out: what it says, in a language of the house.

    Raises: NotUnderstood.
    """
    kind, body = _unpacked(content_type, body)
    if kind == JSON_TYPE:
        return Said(JSON, json=_strict(strict_json.parse, body, languages))
    root = _strict(safe_xml.parse, body, languages)
    spoken = languages.of_root(root)
    if spoken is None:
        raise NotUnderstood(ReasonCode.STANDARD_UNKNOWN)
    return Said(spoken.language, root, spoken)


def record(said: Said, kind: str) -> Mapping[str, Any]:
    """In: a message and the record it has to carry. Out: that record, if schema and rules hold.

    Raises: NotUnderstood.
    """
    if said.root is None or said.spoken is None:
        if not isinstance(said.json, dict):
            raise NotUnderstood(ReasonCode.SCHEMA_INVALID)
        return said.json
    if said.spoken.message.record != kind:
        raise NotUnderstood(ReasonCode.NOT_SUPPORTED)
    if not said.spoken.schema.valid(said.root):
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID)
    if rules.rejected(rules.check(said.root, rules.XOEV)):
        raise NotUnderstood(ReasonCode.RULE_VIOLATED)
    try:
        return said.spoken.message.mapping.read(said.root)
    except MappingError:  # valid by a schema that allows more than its mapping, such as an element twice
        _refuse(ReasonCode.SCHEMA_INVALID)


def guess(content_type: str, languages: Languages) -> str:
    """Out: the language of a body of that type that can't be read. Never raises."""
    kind = content_type.partition(";")[0].strip().lower()
    return languages.default_xml if kind in (XML_TYPE, multipart.MEDIA_TYPE) else JSON


def _unpacked(content_type: str, body: bytes) -> tuple[str, bytes]:
    """Out: the media type and the message itself; of a multipart body its first part."""
    if content_type in (XML_TYPE, JSON_TYPE):
        return content_type, body
    kind, parameters = _media_type(content_type)
    if kind == ENCRYPTED_TYPE:
        raise NotUnderstood(ReasonCode.NOT_SUPPORTED)
    if kind == multipart.MEDIA_TYPE:
        part = _first_part(content_type, body)
        if _media_type(part.content_type)[0] not in _XML_PARTS:
            raise NotUnderstood(ReasonCode.CONTENT_TYPE_UNKNOWN)
        return XML_TYPE, part.body
    if kind not in (XML_TYPE, JSON_TYPE) or parameters.get("charset", "utf-8").lower() != "utf-8":
        raise NotUnderstood(ReasonCode.CONTENT_TYPE_UNKNOWN)
    return kind, body


def _media_type(header: str) -> tuple[str, dict[str, str]]:
    try:
        return multipart.media_type(header)
    except multipart.Malformed:
        _refuse(ReasonCode.CONTENT_TYPE_UNKNOWN)


def _first_part(content_type: str, body: bytes) -> multipart.Part:
    try:
        return multipart.parse(content_type, body)[0]
    except multipart.Malformed:
        _refuse(ReasonCode.MALFORMED)


def _strict(parser: Any, body: bytes, languages: Languages) -> Any:
    try:
        return parser(body, languages.limits)
    except Unsafe as unsafe:
        _refuse(_REASONS.get(unsafe.code, ReasonCode.TOO_LARGE))


def _refuse(code: ReasonCode) -> NoReturn:
    raise NotUnderstood(code) from None
