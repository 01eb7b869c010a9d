"""The packaged standards: each folder with a `manifest.toml` is one, its mappings compiled once, at start.

A manifest's name, version and content type say what the language is; each `[[message]]` says which record
it carries, its root element, and its mapping file. Where two messages share a root, `when` tells them apart by
an attribute of the root. The schema comes with the standard or is installed by the administrator.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from xoev_schemas.mapping import Mapping, MappingInvalid

_MANIFEST: Final = "manifest.toml"
_STANDARD_KEYS: Final = {"name", "version", "title", "content_type", "message"}
_STANDARD_OPTIONS: Final = {"schema", "shared"}
_MESSAGE_KEYS: Final = {"record", "namespace", "root", "mapping"}
_MESSAGE_OPTIONS: Final = {"number", "sample", "when"}


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message of a standard."""

    record: str
    """The record it carries: `evidence.request`."""
    namespace: str
    root: str
    mapping: Mapping
    number: str | None = None
    """The standard's own number for it, where it has numbers."""
    sample: Path | None = None
    when: tuple[str, str] | None = None
    """Attribute of the root and its value, where other messages have the same root."""


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """One version of one language, ready to be read and written."""

    name: str
    version: str
    title: Dict[str, str]
    content_type: str
    schema: Path | None
    """Its own schema file; None when the administrator installs it."""
    by_record: Dict[str, Message]
    by_root: Dict[tuple[str, str], tuple[Message, ...]]
    """By (namespace, root)."""

    @property
    def language(self) -> str:
        """Out: `name/version`, as consumers' files and requests name it."""
        return f"{self.name}/{self.version}"

    def message_of(self, root: etree._Element) -> Message | None:
        """In: a document's root. Out: the message it is, or None."""
        name = etree.QName(root)
        for message in self.by_root.get((name.namespace or "", name.localname), ()):
            if message.when is None or root.get(message.when[0]) == message.when[1]:
                return message
        return None


@cache
def packaged() -> tuple[Standard, ...]:
    """Out: every packaged standard, by language. Raises: MappingInvalid when one of its files is wrong."""
    home = importlib.resources.files("xoev_schemas")
    folders = [Path(str(folder)) for folder in home.iterdir() if folder.joinpath(_MANIFEST).is_file()]
    return tuple(sorted((load(folder) for folder in folders), key=lambda standard: standard.language))


def load(folder: Path) -> Standard:
    """In: a folder with a manifest. Out: the standard. Raises: MappingInvalid, naming file and key."""
    file = f"{folder.name}/{_MANIFEST}"
    try:
        manifest = tomllib.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as exc:
        raise MappingInvalid(file, "-", f"is not TOML ({exc})") from None
    _complete(manifest, _STANDARD_KEYS, _STANDARD_OPTIONS, file, "")
    shared = None
    if "shared" in manifest:
        path = _file(folder, manifest["shared"], file, "shared")
        shared = path.read_bytes(), f"{folder.name}/{path.name}"
    messages = [
        _message(folder, said, file, n, shared) for n, said in enumerate(manifest["message"], start=1)
    ]
    by_record: dict[str, Message] = {}
    by_root: dict[tuple[str, str], tuple[Message, ...]] = {}
    for message in messages:
        if message.record in by_record:
            raise MappingInvalid(file, "message.record", f"{message.record} is there twice")
        by_record[message.record] = message
        place = (message.namespace, message.root)
        same = by_root.get(place, ())
        if not all(_told_apart(message, other) for other in same):
            raise MappingInvalid(
                file, "message.when", f"nothing tells two messages with root {message.root} apart"
            )
        by_root[place] = (*same, message)
    return Standard(
        manifest["name"],
        manifest["version"],
        MappingProxyType(manifest["title"]),
        manifest["content_type"],
        _file(folder, manifest["schema"], file, "schema") if "schema" in manifest else None,
        MappingProxyType(by_record),
        MappingProxyType(by_root),
    )


def _told_apart(one: Message, other: Message) -> bool:
    if one.when is None or other.when is None:
        return False
    return one.when[0] == other.when[0] and one.when[1] != other.when[1]


def _message(
    folder: Path, said: dict[str, Any], file: str, number: int, shared: tuple[bytes, str] | None
) -> Message:
    at = f"message[{number}]"
    _complete(said, _MESSAGE_KEYS, _MESSAGE_OPTIONS, file, f"{at}.")
    path = _file(folder, said["mapping"], file, f"{at}.mapping")
    mapping = Mapping.compile(path.read_bytes(), f"{folder.name}/{path.name}", shared)
    if mapping.root != f"{{{said['namespace']}}}{said['root']}":
        raise MappingInvalid(file, f"{at}.root", f"is not the root of {path.name}")
    when = said.get("when")
    if when is not None and set(when) != {"attribute", "is"}:
        raise MappingInvalid(file, f"{at}.when", "needs attribute and is")
    return Message(
        said["record"],
        said["namespace"],
        said["root"],
        mapping,
        said.get("number"),
        _file(folder, said["sample"], file, f"{at}.sample") if "sample" in said else None,
        None if when is None else (when["attribute"], when["is"]),
    )


def _complete(table: dict[str, Any], needed: set[str], optional: set[str], file: str, at: str) -> None:
    for key in sorted(needed - table.keys()):
        raise MappingInvalid(file, at + key, "is missing")
    for key in sorted(table.keys() - needed - optional):
        raise MappingInvalid(file, at + key, "is an unknown key")


def _file(folder: Path, name: str, file: str, key: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise MappingInvalid(file, key, f"there is no file {name}")
    return path
