"""Every language the house speaks, made once at start: the packaged standards, their schemas, and JSON.

A standard whose schemas the administrator has to install is spoken from the moment they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from xoev_schemas import safe_xml, sets, standards
from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.mapping import MappingError
from xoev_schemas.safe_xml import Limits
from xoev_schemas.sets import Flaw
from xoev_schemas.standards import Message, Standard
from xoev_schemas.validate import Schema

JSON: Final = "json/1.0"
"""Records as JSON: no standard of its own, spoken by every home."""


class Unwritable(Exception):
    """A record can't be said in this language. Names the language and the record, never a value."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of one standard, with the schema that judges it."""

    standard: Standard
    message: Message
    schema: Schema

    @property
    def language(self) -> str:
        return self.standard.language

    def write(self, record: Mapping[str, Any], limits: Limits) -> bytes:
        """In: a record. Out: the message, valid by its schema. Raises: Unwritable."""
        why = ""
        try:
            body = self.message.mapping.write(dict(record))
            if not self.schema.valid(safe_xml.parse(body, limits)):
                why = "is not valid"
        except MappingError as error:
            body, why = b"", f"has no place for {error.path}"
        except safe_xml.Unsafe as error:
            body, why = b"", error.code
        if why:
            raise Unwritable(f"{self.message.record} in {self.language} {why}")
        return body


@dataclass(frozen=True, slots=True)
class Languages:
    """What can be read and written. Frozen; safe in threads."""

    limits: Limits
    catalogue: Catalogue
    flaws: tuple[Flaw, ...]
    """What of the installed schema sets can't be used."""
    house: tuple[str, str] = ("einmal", "Einmal")
    """Id and name the house signs its own words with, where no register speaks."""
    _by_root: Mapping[str, tuple[Spoken, ...]] = field(default_factory=dict, repr=False)
    _by_record: Mapping[tuple[str, str], Spoken] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, folder: Path, limits: Limits, house: tuple[str, str] = ("einmal", "Einmal")) -> Languages:
        """In: the folder schema sets are installed in; what a message may cost; who speaks. Out: all languages.

        Raises: MappingInvalid, when a packaged standard is wrong.
        """
        return cls.of((*sets.packaged(), *sets.installed(folder)), limits, house)

    @classmethod
    def of(
        cls, known: tuple[sets.SchemaSet, ...], limits: Limits, house: tuple[str, str] = ("einmal", "Einmal")
    ) -> Languages:
        """In: the schema sets themselves. Out: all languages whose schemas are among them."""
        catalogue = Catalogue(known)
        by_root: dict[str, tuple[Spoken, ...]] = {}
        by_record: dict[tuple[str, str], Spoken] = {}
        for standard in standards.packaged():
            for message in standard.by_record.values():
                listed = catalogue.find(MessageKey(message.namespace, message.root, standard.version))
                if listed is not None:
                    spoken = Spoken(standard, message, listed.schema)
                    name = f"{{{message.namespace}}}{message.root}"
                    by_root[name] = (*by_root.get(name, ()), spoken)
                    by_record[standard.language, message.record] = spoken
        return cls(
            limits, catalogue, catalogue.flaws, house, MappingProxyType(by_root), MappingProxyType(by_record)
        )

    @property
    def spoken(self) -> tuple[str, ...]:
        """Out: the languages requests can be asked in here."""
        return (
            JSON,
            *sorted(language for language, record in self._by_record if record == "evidence.request"),
        )

    @property
    def default_xml(self) -> str:
        """Out: the XML language that needs nothing installed: for words to someone whose message no one knows."""
        own = (one.language for one in self._by_record.values() if one.standard.schema is not None)
        return next(own, JSON)

    def of_root(self, root: etree._Element) -> Spoken | None:
        """In: a message's root. Out: which message of which standard it is."""
        for spoken in self._by_root.get(str(root.tag), ()):
            when = spoken.message.when
            if when is None or root.get(when[0]) == when[1]:
                return spoken
        return None

    def message(self, language: str, record: str) -> Spoken | None:
        """Out: how a record is said in a language."""
        return self._by_record.get((language, record))

    def item(self, name: str) -> Spoken | None:
        """In: an item's name, as a grant has it (`item.birth`). Out: the document it is, in whichever standard."""
        return next((spoken for (_, record), spoken in self._by_record.items() if record == name), None)
