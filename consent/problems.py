"""Mistakes in a home's files: found all at once, each with its place, what is wrong and the mend.

Works on parsed documents only; reading files and finding the line of a key is `gateway/config/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from consent.vocabulary import Problem

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a key is in a document: `("grant", 0, "fields")`."""
Model = TypeVar("Model", bound=BaseModel)


def _nowhere(_path: KeyPath) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed TOML file of a home."""

    file: str
    """Its path within the home, with `/`: `grants/wohngeld.toml`."""
    raw: bytes = field(repr=False)
    """The bytes as they are in the file: what is signed and archived."""
    data: Mapping[str, Any] = field(repr=False)
    locate: Callable[[KeyPath], int | None] = field(default=_nowhere, repr=False)
    """The line of a key (from 1), or of the closest thing around it; None if unknown."""
    signature: bytes | None = field(default=None, repr=False)
    """The bytes of the `.sig` beside it."""
    broken: bool = False
    """It could not be parsed, and that is told already: what it `would_name` is not called unknown."""

    def would_name(self, word: str) -> bool:
        """Out: whether it is probably the file in which that word is said: it bears its name, or says them all."""
        return "/" not in self.file or self.file.rpartition("/")[2].partition(".")[0] == word

    def problem(self, path: KeyPath, wrong: str, mend: str) -> Problem:
        """Out: a mistake at that key of this document."""
        return Problem(self.file, self.locate(path), dotted(path), wrong, mend)


def dotted(path: KeyPath) -> str:
    """Out: a key path as people write it: `grant[0].fields`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(file)"


def did_you_mean(word: str, known: Iterable[str], what: str) -> str:
    """Out: the mend for an unknown word: the nearest known one, else all of them if they are few."""
    names = sorted(known)
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if not names:
        return f"No {what} is configured yet."
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"Known: {listed}."


def mistake(wrong: str, mend: str) -> NoReturn:
    """Raise, inside a validator, a mistake that `validated` reports with its own mend."""
    raise PydanticCustomError("mistake", "{wrong}", {"wrong": wrong, "mend": mend})


def frozen(value: Any) -> Any:
    """Out: the same parsed TOML with lists as tuples, for strict models."""
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def validated(
    model: type[Model], document: Document, path: KeyPath = ()
) -> tuple[Model | None, list[Problem]]:
    """In: a model, a document, and where in it the data is. Out: the model, or all its mistakes."""
    data: Any = document.data
    for part in path:
        data = data[part]
    try:
        return model.model_validate(frozen(data)), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=True)
        return None, [_problem(model, document, path, details) for details in found if not _echo(details)]


def _echo(details: ErrorDetails) -> bool:
    """Out: whether it only says that a list is empty because every item in it is wrong."""
    return details["type"] == "too_short" and bool(details["input"])


_TYPES: Final = MappingProxyType(
    {
        "string_type": "should be text",
        "bool_type": "should be true or false",
        "int_type": "should be a whole number",
        "tuple_type": "should be a list",
        "frozen_set_type": "should be a list",
        "dict_type": "should be a table",
        "mapping_type": "should be a table",
        "model_type": "should be a table",
        "model_attributes_type": "should be a table",
        "date_type": "should be a date",
        "datetime_type": "should be a date with time and zone",
        "timezone_aware": "has no time zone",
    }
)
_HOW: Final = MappingProxyType(
    {
        "date_type": "Write it as 2026-12-31, without quotation marks.",
        "datetime_type": "Write it as 2026-12-31T23:59:59Z, without quotation marks.",
        "timezone_aware": "Add Z at its end.",
        "tuple_type": 'Write it in brackets: ["a", "b"].',
        "frozen_set_type": 'Write it in brackets: ["a", "b"].',
        "string_type": 'Write it in quotation marks: "a".',
    }
)


def _problem(model: type[BaseModel], document: Document, prefix: KeyPath, details: ErrorDetails) -> Problem:
    path = details["loc"]
    kind = details["type"]
    last = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        if last == "d":
            wrong, mend = (
                "is a private key",
                "Remove it, put the public key here, and replace the key: it leaked.",
            )
        else:
            around = _model_at(model, path[:-1])
            inner = _further_in(around, last) if _is_tables(details["input"]) else None
            wrong, mend = (
                "is unknown",
                did_you_mean(last, _keys_of(around), "key")
                if inner is None
                else f"Write it as {_header((*prefix, *path[:-1], inner[0], last), inner[1])}.",
            )
    elif kind == "missing":
        wrong, mend = "is missing", _MISSING.get(last, "Add it.")
    elif kind in {"literal_error", "enum"}:
        allowed = [
            word.strip("'") for word in str(details["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        ]
        wrong, mend = "is not one of the allowed words", did_you_mean(str(details["input"]), allowed, "word")
    elif kind == "mistake":
        wrong, mend = str(details["ctx"]["wrong"]), str(details["ctx"]["mend"])
    elif kind == "string_pattern_mismatch" and "*" in str(details["input"]):
        wrong, mend = "is a wildcard", "Name each one: wildcards are never accepted."
    elif kind == "string_pattern_mismatch":
        wrong, mend = "has a form that is not allowed", f"It must match {details['ctx']['pattern']}."
    elif kind == "tuple_type" and isinstance(details["input"], Mapping):
        wrong, mend = "should be a list of tables", f"Write it as {_header((*prefix, *path), in_list=True)}."
    elif kind in {"too_short", "string_too_short"}:
        wrong, mend = "is empty", "Fill it in."
    else:
        wrong = _TYPES.get(kind, details["msg"][:1].lower() + details["msg"][1:])
        mend = _HOW.get(kind, "Correct it.")
    return document.problem((*prefix, *path), wrong, mend)


def _header(path: KeyPath, in_list: bool) -> str:
    """Out: a table's header as it stands in a file: `[[log.auditor]]`."""
    name = ".".join(part for part in path if isinstance(part, str))
    return f"[[{name}]]" if in_list else f"[{name}]"


def _is_tables(value: object) -> bool:
    return all(isinstance(one, Mapping) for one in (value if isinstance(value, tuple) else (value,)))


def _further_in(model: type[BaseModel] | None, word: str) -> tuple[str, bool] | None:
    """Out: the table in the model where tables of that name belong, and whether in a list; None if in none."""
    for name, item in () if model is None else model.model_fields.items():
        inner = item.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and word in inner.model_fields:
            kind = inner.model_fields[word].annotation
            if _inner_model(kind) is not None:
                return name, get_origin(kind) is tuple
    return None


_MISSING: Final = MappingProxyType({"valid_to": "Add it: nothing is valid without an end."})


def _keys_of(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [item.alias or name for name, item in model.model_fields.items()]


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int) or found is None:
            continue
        names = found.model_fields.items()
        for item in (item for name, item in names if part in {name, item.alias}):
            found = _inner_model(item.annotation)
    return found


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_inner_model, get_args(annotation))), None)
