"""Naming a person to a command: at the prompt or in a file, never on the command line, where others could read it."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from consent.idnr import is_idnr
from consent.vocabulary import Subject
from gateway.cli import console

SubjectFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--subject-file",
        help="A JSON or TOML file with idnr, birth_date, family_name, given_name, town, postcode.",
        metavar="F",
    ),
]
_KEYS: Final = ("idnr", "birth_date", "family_name", "given_name", "town", "postcode")


def read(file: Path | None) -> Subject:
    """Out: the person, named sufficiently. Asks at the prompt where no file is given."""
    return _asked() if file is None else _from_file(file)


def _from_file(file: Path) -> Subject:
    try:
        text = file.read_text("utf-8")
        said: dict[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        born = said.get("birth_date")
        if isinstance(born, str):
            said["birth_date"] = date.fromisoformat(born)
        unknown = sorted(said.keys() - set(_KEYS))
        if any(not isinstance(said[key], _kind(key) | None) for key in said.keys() & set(_KEYS)):
            raise TypeError
    except (ValueError, AttributeError, TypeError):
        console.usage(
            f"{file} is not a subject file: JSON or TOML with {', '.join(_KEYS)}, each a text, the date like 1990-12-31"
        )
    if unknown:
        console.usage(f"{file} has an unknown key: {unknown[0]}; known are {', '.join(_KEYS)}")
    return _sufficient(Subject(**said))


def _kind(key: str) -> type:
    return date if key == "birth_date" else str


def _asked() -> Subject:
    try:
        return _answered()
    except typer.Abort:
        console.error("Nobody was named: answer the questions, or name the person with --subject-file.")
        raise typer.Exit(console.USAGE) from None


def _answered() -> Subject:
    idnr = typer.prompt("Identification number (empty if unknown)", default="", show_default=False).replace(
        " ", ""
    )
    born = typer.prompt("Date of birth (YYYY-MM-DD)")
    said = {"idnr": idnr or None}
    if not idnr:
        said["family_name"] = typer.prompt("Family name")
        said["given_name"] = typer.prompt("Given names")
    try:
        return _sufficient(Subject(birth_date=date.fromisoformat(born), **said))
    except ValueError:
        console.usage("a date of birth is written like 1990-12-31")


def _sufficient(subject: Subject) -> Subject:
    if subject.idnr is not None and not is_idnr(subject.idnr):
        console.usage("the identification number is not one: its digits or its check digit are wrong")
    if not subject.forms():
        console.usage(
            "the person is not named sufficiently: identification number and date of birth, or family name, "
            "given names and date of birth, or family name, town, postcode and date of birth"
        )
    return subject
