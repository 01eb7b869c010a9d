"""Is a message what its schema says? lxml answers on the hot path, xmlschema says afterwards what is wrong.

No finding holds a value of the message: it is made of the schema's own words and the place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import xmlschema
from lxml import etree
from typing_extensions import override
from xmlschema.loaders import SchemaLoader
from xmlschema.validators import (
    XMLSchemaChildrenValidationError,
    XMLSchemaValidationError,
)

from xoev_schemas.resolve import SCHEME, Assembled
from xoev_schemas.safe_xml import parse_assembled

MOST_FINDINGS: Final = 50
"""One mistake made in every line of a message need not be told a thousand times."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a message. Never a value of it."""

    rule: str
    path: str
    """XPath of the place by local names, since prefixes are the message's own affair."""
    text: str
    severity: str = "reject"
    """`reject` or `warn`."""


class Uncompilable(Exception):
    """The documents contradict each other or XML Schema. Says what libxml2 says about the schema."""


class Schema:
    """One compiled schema: every document of a set that goes together."""

    def __init__(self, assembled: Assembled) -> None:
        """Raises: Uncompilable."""
        self._assembled = assembled
        top = parse_assembled(assembled.texts, assembled.top)
        wrong = ""
        try:
            self._xsd = etree.XMLSchema(top)
        except etree.XMLSchemaParseError as error:
            wrong = _readable(str(error), assembled)
        if wrong:
            raise Uncompilable(wrong)

    def valid(self, root: etree._Element) -> bool:
        """In: a parsed message. Out: whether it is valid."""
        return self._xsd.validate(root)

    def explain(self, root: etree._Element) -> tuple[Finding, ...]:
        """In: a parsed message. Out: what is wrong with it, in its order; nothing if it is valid.

        The first call compiles the schema a second time, for xmlschema; meant for people.
        """
        if self.valid(root):
            return ()
        findings: dict[Finding, None] = {}
        with suppress(
            xmlschema.XMLSchemaException
        ):  # a schema only libxml2 takes: then the places are all there is
            message: Any = root
            for error in self._explaining.iter_errors(message):
                findings[_finding(error)] = None
                if len(findings) == MOST_FINDINGS:
                    break
        return tuple(findings) or self._places()

    def _places(self) -> tuple[Finding, ...]:
        """Out: where libxml2 found the last message invalid, and by which rule; not its words, they quote."""
        return tuple(
            dict.fromkeys(
                Finding(
                    f"xsd:{entry.type_name.removeprefix('SCHEMAV_').lower()}",
                    entry.path or "/",
                    "is not valid",
                )
                for entry in self._xsd.error_log
            )
        )

    @cached_property
    def _explaining(self) -> xmlschema.XMLSchema10:
        texts = {name: text.decode() for name, text in self._assembled.texts.items()}

        class Loader(SchemaLoader):
            """Knows the assembled documents and nothing else: no file, no network."""

            @override
            def load_schema(
                self,
                source: Any,
                namespace: str | None = None,
                base_url: str | None = None,
                build: bool = False,
                partial: bool = False,
            ) -> Any:
                return super().load_schema(texts[source], namespace, build=build, partial=partial)

        return xmlschema.XMLSchema10(
            texts[self._assembled.top],
            loader_class=Loader,
            use_fallback=False,
            base_url=SCHEME,
            allow="sandbox",
            defuse="always",
        )


_FACETS: Final[Mapping[str, str]] = {
    "XsdPatternFacets": "does not match the pattern",
    "XsdEnumerationFacets": "is none of the listed values",
    "XsdLengthFacet": "has not the length asked for",
    "XsdMinLengthFacet": "is too short",
    "XsdMaxLengthFacet": "is too long",
    "XsdMinInclusiveFacet": "is too small",
    "XsdMinExclusiveFacet": "is too small",
    "XsdMaxInclusiveFacet": "is too large",
    "XsdMaxExclusiveFacet": "is too large",
    "XsdTotalDigitsFacet": "has too many digits",
    "XsdFractionDigitsFacet": "has too many decimals",
    "XsdAssertionFacet": "breaks an assertion",
    "XsdKey": "breaks a key",
    "XsdUnique": "is not unique",
    "XsdKeyref": "refers to nothing",
    "XsdAttributeGroup": "has a wrong, missing or unknown attribute",
}


def _finding(error: XMLSchemaValidationError) -> Finding:
    path = re.sub(r"\{[^}]*\}", "", re.sub(r"(?<=/)[^/:\[]+:", "", error.path or "/"))
    if isinstance(error, XMLSchemaChildrenValidationError):
        names = sorted({name for expected in error.expected or () if (name := _name(expected))})
        wanted = f"; expected: {', '.join(names)}" if names else ""
        return Finding("xsd:content", path, f"has an element missing, too many or out of place{wanted}")
    kind = type(error.validator).__name__
    if kind in _FACETS:
        rule = re.sub(r"^Xsd|Facets?$|Group$", "", kind).lower()
        return Finding(f"xsd:{rule}", path, _FACETS[kind])
    name = getattr(error.validator, "local_name", None)
    typed = f" {name}" if isinstance(name, str) else ""
    return Finding("xsd:value", path, f"is not what the schema says of{typed or ' this place'}")


def _name(expected: object) -> str | None:
    name = expected if isinstance(expected, str) else getattr(expected, "local_name", None)
    return name.rpartition("}")[2] if isinstance(name, str) else None


def _readable(text: str, assembled: Assembled) -> str:
    """Out: libxml2's words, with the sets' own file names instead of ours."""

    def named(match: re.Match[str]) -> str:
        document = assembled.members[int(match[1]) - 1]
        return f"{document.set}/{document.path}"

    return re.sub(rf"{SCHEME}([1-9][0-9]*)\.xsd", named, text)
