"""Is a message what its schema says? lxml answers on the hot path, xmlschema says afterwards what is wrong.

No finding holds a value of the message: it is made of the schema's own words and the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property

from lxml import etree

from xoev_schemas.findings import Finding
from xoev_schemas.resolve import SCHEME, Assembled
from xoev_schemas.safe_xml import parse_assembled


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
        return self._explaining(root) or self._places()

    @cached_property
    def _explaining(self) -> Callable[[etree._Element], tuple[Finding, ...]]:
        from xoev_schemas.explaining import explaining  # a third of a second, which only explaining is worth

        return explaining(self._assembled)

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


def _readable(text: str, assembled: Assembled) -> str:
    """Out: libxml2's words, with the sets' own file names instead of ours."""

    def named(match: re.Match[str]) -> str:
        document = assembled.members[int(match[1]) - 1]
        return f"{document.set}/{document.path}"

    return re.sub(rf"{SCHEME}([1-9][0-9]*)\.xsd", named, text)
