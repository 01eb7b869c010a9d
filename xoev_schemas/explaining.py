"""What is wrong with an invalid message, in words for people: xmlschema's reading of the same schema.

No finding holds a value of the message: it is made of the schema's own words and the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

import xmlschema
from lxml import etree
from typing_extensions import override
from xmlschema.loaders import SchemaLoader
from xmlschema.validators import XMLSchemaChildrenValidationError, XMLSchemaValidationError

from xoev_schemas.findings import MOST_FINDINGS, Finding
from xoev_schemas.resolve import SCHEME, Assembled


def explaining(assembled: Assembled) -> Callable[[etree._Element], tuple[Finding, ...]]:
    """In: the documents of a schema. Out: says of an invalid message what is wrong, in its order; nothing, where only
    libxml2 takes the schema."""

    @cache
    def compiled() -> xmlschema.XMLSchema10:
        texts = {name: text.decode() for name, text in assembled.texts.items()}

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
            texts[assembled.top],
            loader_class=Loader,
            use_fallback=False,
            base_url=SCHEME,
            allow="sandbox",
            defuse="always",
        )

    def explained(root: etree._Element) -> tuple[Finding, ...]:
        findings: dict[Finding, None] = {}
        with suppress(xmlschema.XMLSchemaException):
            message: Any = root
            for error in compiled().iter_errors(message):
                findings[_finding(error)] = None
                if len(findings) == MOST_FINDINGS:
                    break
        return tuple(findings)

    return explained


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
