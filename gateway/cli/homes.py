"""Making homes from the packaged templates: an empty one to fill in, and the demo's complete one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Final

from consent.vocabulary import Problem
from gateway.errors import ConfigurationFault

Fill = Callable[[str], Mapping[str, str]]
"""In: a file's path within the home. Out: what stands for its `$words`."""

STORAGE: Final = MappingProxyType(
    {
        "storage": "sqlite:///data/einmal.sqlite3",
        "storage_password": '# password = "file:keys/database.password"',
    }
)
"""The words of a home whose journal is a file."""


def write_template(name: str, home: Path, fill: Fill, only: Container[str] | None = None) -> tuple[str, ...]:
    """In: a template folder of this package, the home's folder, maybe which paths. Out: the paths written.

    Raises: ConfigurationFault, before anything is written, when one of the files is there already.
    """
    source = {
        path: entry
        for path, entry in _walk(files(__package__).joinpath(*name.split("/")), "")
        if only is None or path in only
    }
    there = tuple(
        Problem(path, None, "(file)", "is there already", "Nothing is overwritten: choose an empty folder.")
        for path in source
        if (home / path).exists()
    )
    if there:
        raise ConfigurationFault(there)
    for path, entry in source.items():
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = entry.read_text("utf-8")
        target.write_text(text if path.endswith(".md") else Template(text).substitute(fill(path)), "utf-8")
    return tuple(source)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        path = prefix + entry.name
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _walk(entry, path + "/")
        else:
            yield path, entry
