"""Whatever the check of an export finds, a German reads in German: no sentence of it is without its twin."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.proof import Proof, ProofInvalid
from gateway.audit.verify.exported.sentences import NOT_SHOWN, SHOWN
from gateway.views.reasons import place, reason
from gateway.views.words import Text

ROOT: Final = Path(__file__).parents[4] / "gateway"
TABLES: Final = tomllib.loads(files("gateway.views").joinpath("reasons.toml").read_text("utf-8"))
RAISED: Final = {"NoteInvalid", "FingerprintInvalid", "NotAnExport", "ProofInvalid", "_unreadable"}
"""What is said by raising, or by a call: its first argument."""
SAYING: Final = {
    "audit/note.py": (),
    "audit/identity.py": (),
    "audit/shard.py": (),
    "audit/verify/exported/export.py": (),
    "audit/verify/reading.py": (),
    "audit/verify/exported/period.py": (),
    "audit/verify/exported/completeness.py": (),
    "audit/verify/exported/person.py": ("_wrong_with",),
    "views/export.py": ("_taken_for",),
    "views/agreement.py": ("_of_another_period", "_told_otherwise", "_written_otherwise"),
    "person/telling.py": ("_otherwise",),
}
"""Everything that runs in the check of an export and says what is wrong; which of its functions say it by their
result."""
GERMAN_ONLY: Final = re.compile(r"\b(the|is|not|of|its|a|and|to|for|that|there|no)\b")


def said() -> Iterator[str]:
    """Out: every sentence of the check, its blanks as `{}`."""
    for file, functions in SAYING.items():
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield from _of_call(node)
            elif isinstance(node, ast.FunctionDef) and node.name in functions:
                for one in ast.walk(node):
                    if isinstance(one, ast.Return | ast.Yield) and one.value is not None:
                        yield from _texts(one.value)


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in RAISED and node.args:
        yield from _texts(node.args[0])
    elif name == "add" and len(node.args) == 3:  # Findings.add(step, place, text)
        yield from _texts(node.args[2])
    elif name == "Agreement" and isinstance(node.args[0], ast.Tuple):
        for one in node.args[0].elts:
            yield from _texts(one)


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in parts)
        case ast.IfExp(body=first, orelse=second):
            yield from (*_texts(first), *_texts(second))
        case ast.Tuple(elts=[_, last]):  # a file, and what is wrong with it
            yield from _texts(last)


def blanks_alike(text: str) -> str:
    return re.sub(r"\{\w*\}", "{}", text)


def known() -> set[str]:
    return {blanks_alike(entry["en"]) for entry in TABLES["reason"]}


def test_every_reason_the_check_can_say_is_there_in_german() -> None:
    """Read from the code that says it: a new sentence without its twin fails."""
    found = set(said())
    assert len(found) > 80
    assert found - known() == set()


def test_no_reason_is_left_that_nobody_says() -> None:
    """The list and the code agree."""
    assert known() - set(said()) == set()


@pytest.mark.parametrize(
    ("german", "english"),
    [
        *((entry["de"], entry["en"]) for kind in ("reason", "place") for entry in TABLES[kind]),
        *((entry["de"], entry["en"]) for entry in TABLES["form"].values()),
        *SHOWN.values(),
        *NOT_SHOWN.values(),
    ],
)
def test_each_sentence_has_both_languages(german: str, english: str) -> None:
    """Neither is missing or the other's; both fill the same blanks, for some a German word of its own."""
    assert german != english or german.startswith("{")
    assert not GERMAN_ONLY.search(re.sub(r"\{\w+\}", "", german)), german
    assert not re.search(r"\b(du|dein|deine|dir|dich)\b|ae|oe(?!ff)|Ue", re.sub(r"\{\w+\}", "", german)), (
        german
    )
    named = [
        sorted(name.removesuffix("_de") for name in re.findall(r"\{(\w+)\}", one))
        for one in (german, english)
    ]
    assert named[0] == named[1]


def test_blanks_are_filled_and_told_in_their_language() -> None:
    """A reason within a reason, a number, a place of a person's own entry."""
    assert reason("its head: a signature does not hold") == Text(
        "Der unterschriebene Stand des Protokolls: Eine Unterschrift stimmt nicht",
        "its head: a signature does not hold",
    )
    assert (
        reason("entry 3 says something else than the proof").de
        == "Eintrag 3 sagt etwas anderes als der Beweis"
    )
    where = "musterstadt.example/24m/2026-11, form 1, entry 2"
    assert place(where) == Text("musterstadt.example/24m/2026-11, Kennung 1, Eintrag 2", where)
    assert place("auskunft.html") == Text("auskunft.html", "auskunft.html")
    assert reason("something new") == Text("something new", "something new")
    assert reason("its head: {note.__class__}").de.endswith("{note.__class__}")


# --- proof.json that has not its form ---
SAMPLE: Final[dict[str, Any]] = {
    "v": 1,
    "authority": {"name": "a", "vkey": "b", "former": ["c"], "succession": ["d"]},
    "from": "2026-11-01",
    "to": "2026-11-02T00:00:00Z",
    "shards": [
        {
            "origin": "o",
            "log": {"checkpoint": "c"},
            "start": {"leaf": "AA==", "salt": "AA==", "event": "AA==", "proof": ["A" * 43 + "="]},
            "index": {
                "checkpoint": "c",
                "leaf": "AA==",
                "position": 0,
                "proof": [],
                "root": "A" * 43 + "=",
                "size": 1,
            },
            "subjects": [
                {
                    "subject": "s",
                    "vrf_proof": "AA==",
                    "label": "A" * 43 + "=",
                    "entries": [{"index": 0, "leaf": "AA==", "salt": None, "event": None, "proof": []}],
                    "absence": {"left": None, "right": None},
                }
            ],
        }
    ],
}
OTHER: Final = [None, True, 7, -1, 2.5, 2**70, "", "?", "AA==", [], {}, ["AA=="] * 70, [7], {"a": 1}]
MISSING: Final = object()


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def changed(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    if not path:
        return new
    first, *rest = path
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if new is MISSING and not rest:
        del copy[first]
    else:
        copy[first] = changed(value[first], tuple(rest), new)
    return copy


def forms_told(document: bytes) -> Text | None:
    try:
        Proof.parse(document)
    except ProofInvalid as wrong:
        return reason(str(wrong))
    return None


def test_whatever_is_put_in_the_place_of_a_value_is_told_in_german() -> None:
    """At every place of proof.json everything else JSON has, and nothing at all."""
    Proof.parse(json.dumps(SAMPLE).encode())
    codes = tuple(code.replace("_", " ") for code in TABLES["form"])
    told = 0
    for path in places(SAMPLE):
        for new in (*OTHER, *([MISSING] if path else [])):
            text = forms_told(json.dumps(changed(SAMPLE, path, new)).encode())
            if text is not None:
                told += 1
                assert text.de != text.en, (path, new)
                assert not any(
                    part.endswith(f": {code}") for part in text.de.split("; ") for code in codes
                ), text
    assert told > 300


@given(st.binary(max_size=40))
def test_foreign_bytes_are_told_in_german(document: bytes) -> None:
    """What is no JSON at all."""
    text = forms_told(document)
    assert text is not None
    assert text.de != text.en
