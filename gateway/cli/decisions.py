"""The file `einmal consent record` reads: what somebody decided, or who may act for somebody (docs/records.md).

A mistake is told by its key and its mend, never by what stands there: it could name the person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from consent.ledger import Terms
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.problems import did_you_mean, dotted
from consent.vocabulary import Problem
from gateway.cli import console
from xoev_schemas import strict_json
from xoev_schemas.safe_xml import Limits, Unsafe

RECORDER: Final = "recorded_by"
_OURS: Final = ("v", "record", "revision", "state", "time")
_HELP: Final = "docs/records.md says what it holds."
_TYPES: Final = MappingProxyType(
    {
        "missing": ("is missing", f"Add it: {_HELP}"),
        "string_type": ("is no text", 'Write it in quotation marks: "a".'),
        "string_too_short": ("is empty", "Fill it in."),
        "string_too_long": ("is too long", "Shorten it."),
        "string_pattern_mismatch": ("has a form that is not allowed", _HELP),
        "too_short": ("is empty", "Fill it in."),
        "int_type": ("is no whole number", "Write it without quotation marks."),
        "greater_than_equal": ("is too small", "At least 1."),
        "frozen_set_type": ("is no list", 'Write it in brackets: ["a", "b"].'),
        "model_type": ("is no object", "Write it in braces, key by key."),
        "timezone_aware": ("has no time zone", "Add Z at its end."),
    }
)


def read(file: Path, limits: Limits) -> dict[str, Any]:
    """Out: the file as it is. Exits 2 on what is no JSON object, or says what only the house says."""
    try:
        said = strict_json.parse(file.read_bytes(), limits)
    except Unsafe as wrong:
        place = f" at line {wrong.line}" if wrong.line else ""
        console.usage(f"{file} is not JSON ({wrong.code}){place}. {_HELP}")
    if not isinstance(said, dict):
        console.usage(f"{file} is not a JSON object. {_HELP}")
    own = [key for key in _OURS if key in said]
    if own:
        console.usage(f"{file}: {own[0]} is set by the house, leave it out")
    return said


def understood(said: Mapping[str, Any], file: Path, policy: Policy) -> tuple[Terms | PowerTerms, str]:
    """In: the file's object; the law in force. Out: what was decided, and who records it. Exits 2 with all mistakes."""
    rest = {key: value for key, value in said.items() if key != RECORDER}
    model = PowerTerms if said.get("kind") == "representation" else Terms
    problems = list(_recorder(said.get(RECORDER), file, policy))
    try:
        terms = model.model_validate_json(json.dumps(rest))
    except ValidationError as wrong:  # holds what was in the file
        found = wrong.errors(include_input=False, include_url=False)
        problems += [_problem(one, model, file) for one in found]
        terms = None
    problems += [] if terms is None else _names(terms, file, policy)
    if problems or terms is None:
        console.problems(problems)
        raise SystemExit(console.USAGE)
    return terms, str(said[RECORDER])


def _recorder(by: object, file: Path, policy: Policy) -> Iterator[Problem]:
    known = [*policy.consumers, *policy.people]
    if by not in known:
        wrong = "is missing" if by is None else "is no consumer or person of this home"
        yield Problem(str(file), None, RECORDER, wrong, did_you_mean(str(by), known, "recorder"))


def _names(terms: Terms | PowerTerms, file: Path, policy: Policy) -> Iterator[Problem]:
    """Out: every name in the terms that this home does not have."""

    def unknown(key: str, words: Iterable[str], known: Iterable[str]) -> Iterator[Problem]:
        names = list(known)
        for word in sorted(words):
            if word not in names:
                mend = did_you_mean(word, names, key)
                yield Problem(str(file), None, key, "is not known in this home", mend)

    if isinstance(terms, PowerTerms):
        yield from unknown("procedures", terms.procedures or (), policy.procedures)
        return
    yield from unknown("recipient", [terms.recipient], policy.consumers)
    yield from unknown("register", [terms.register_], policy.registers)
    yield from unknown("purpose", [terms.purpose], policy.purposes)
    of_purpose = [item.code for item in policy.procedures.values() if item.purpose == terms.purpose]
    yield from unknown("procedure", [terms.procedure], of_purpose or policy.procedures)
    register = policy.registers.get(terms.register_)
    if register is None:
        return
    yield from unknown("evidence", [terms.evidence], [item.type for item in register.evidence])
    evidence = policy.evidence(register.id, terms.evidence)
    if evidence is not None:
        yield from unknown("fields", terms.fields, evidence.names())


def _problem(details: ErrorDetails, model: type[BaseModel], file: Path) -> Problem:
    kind, path = details["type"], _place(details["loc"], model)
    if kind == "extra_forbidden":
        wrong, mend = "holds an unknown key", f"Known: {', '.join(_keys(model))}, {RECORDER}."
    elif kind in {"literal_error", "enum"}:
        allowed = re.findall(r"'([^']+)'", details["ctx"]["expected"])
        wrong, mend = "is not one of the allowed words", f"Allowed: {', '.join(allowed)}."
    elif kind == "value_error":  # the models' own sentences, which hold nothing of the file
        wrong, mend = str(details["ctx"]["error"]), "Correct it."
    elif kind.startswith("date"):
        wrong, mend = "is no date, or no time with its zone", "Write 2026-12-31, or 2026-12-31T23:59:59Z."
    else:
        wrong, mend = _TYPES.get(kind, ("is not what it must be", _HELP))
    return Problem(str(file), None, path, wrong, mend)


def _place(path: Sequence[str | int], model: type[BaseModel]) -> str:
    """Out: where, as far as the keys are ours: an unknown one is the writer's and could say anything."""
    known = {*_keys(model), *_INNER}
    told: list[str | int] = []
    for part in path:
        if isinstance(part, str) and part not in known:
            break
        told.append(part)
    return dotted(tuple(told))


def _keys(model: type[BaseModel]) -> list[str]:
    return [item.alias or name for name, item in model.model_fields.items()]


_INNER: Final = frozenset(
    key
    for model in (Terms, PowerTerms)
    for item in model.model_fields.values()
    if isinstance(inner := item.annotation, type) and issubclass(inner, BaseModel)
    for key in _keys(inner)
) | {"record", "proof"}
