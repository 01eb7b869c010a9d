"""Laws of reading and writing a register, whatever is asked and submitted in whichever order."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import planted
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from register_errands import mandate, submit
from small_register import (
    BLOCKED,
    BY_IDNR,
    CHILD,
    NAMESAKE,
    NEIGHBOUR,
    NOBODY,
    REGISTER,
    build,
    close_all,
    content,
    sql,
)

from consent.vocabulary import Conflict, Filed, Found, OnFile, Subject

START: Final = {"street": planted.STREET, "town": planted.TOWN, "sex": "female", "rooms": "3"}
"""What is on file at first, of the fields that are written here."""
TEXTS: Final = st.sampled_from(["Weg 1", "Weg 2", planted.STREET, planted.TOWN]) | st.text(max_size=5)
FIELDS: Final = {
    "street": TEXTS,
    "town": TEXTS,
    "sex": st.sampled_from(["female", "male", "diverse", "w", "none"]),
    "rooms": st.sampled_from(["3", "4", "04", "vier", "-1"]),
}
HOLDS: Final = {"sex": {"female", "male", "diverse"}, "rooms": {"3", "4", "-1"}}
"""What the register can hold where it isn't any text that is one."""


class Submitted(NamedTuple):
    """One submission; `knows` says for which fields it names what is on file, and for which something else."""

    exchange: str
    values: Mapping[str, str]
    knows: Mapping[str, bool]


@st.composite
def submissions(draw: st.DrawFn) -> Submitted:
    """Out: any submission, its exchange now and then one that was there before."""
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), min_size=1))
    values = {name: draw(FIELDS[name]) for name in sorted(names)}
    knows = draw(st.dictionaries(st.sampled_from(sorted(names)), st.sampled_from([True, True, True, False])))
    return Submitted(draw(st.sampled_from("123456")), values, knows)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register's database, to be copied."""
    folder = tmp_path_factory.mktemp("pattern")
    build(folder)
    return folder


def holds(name: str, value: str) -> bool:
    """Out: whether the register can hold that value."""
    if name in HOLDS:
        return value in HOLDS[name]
    return bool(value) and not any("\ud800" <= sign <= "\udfff" for sign in value)


async def follow(home: Path, story: list[Submitted]) -> None:
    """Submit one after the other, and hold each outcome against what the rule says."""
    register, on_file, done = sql(home), dict(START), dict[str, Filed]()
    for exchange, values, knows in story:
        before = content(home)
        replaces = {name: on_file[name] if right else on_file[name] + "x" for name, right in knows.items()}
        outcome = await submit(register, BY_IDNR, values, replaces, exchange=exchange)
        changed = {name for name, value in values.items() if on_file[name] != value}
        wrong = {name for name in changed if not knows.get(name)} | {
            name for name, right in knows.items() if not right
        }
        unfit = {name for name in changed if not holds(name, values[name])}
        if exchange in done:
            assert outcome == done[exchange], "an exchange writes once"
        elif not changed:
            assert isinstance(outcome, OnFile)
        elif wrong or unfit:
            assert isinstance(outcome, Conflict)
            assert outcome.fields == frozenset(wrong or unfit)
        else:
            assert isinstance(outcome, Filed)
            done[exchange] = outcome
            on_file |= values
            found = await register.fetch(mandate(BY_IDNR, *on_file))
            assert isinstance(found, Found)
            assert found.values == on_file, "what is found is what was written"
            continue
        assert content(home) == before, "what is not filed changes no byte"
    for exchange in "123456":
        assert await register.filed(exchange) == done.get(exchange)


@settings(max_examples=100, deadline=None)
@given(story=st.lists(submissions(), min_size=1, max_size=6))
def test_every_story_of_submissions_ends_as_the_rule_says(pattern: Path, story: list[Submitted]) -> None:
    """Filed only where every difference is named as it is on file; then found again; once for each exchange; and
    nothing else ever changes a byte."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(pattern, folder, dirs_exist_ok=True)
        try:
            asyncio.run(follow(Path(folder), story))
        finally:
            close_all()


EVIDENCE: Final = {
    evidence["type"]: sorted({**evidence["fields"], **evidence.get("group", {}).get("fields", {})})
    for evidence in REGISTER["evidence"]
}
PERMITS: Final = st.sampled_from(sorted(EVIDENCE)).flatmap(
    lambda name: st.tuples(st.just(name), st.sets(st.sampled_from(EVIDENCE[name]), min_size=1))
)


@settings(max_examples=150, deadline=None)
@given(
    permit=PERMITS,
    subject=st.sampled_from([BY_IDNR, CHILD, NEIGHBOUR, BLOCKED, NOBODY, NAMESAKE]),
    hides=st.booleans(),
)
def test_no_more_is_found_than_is_permitted(
    pattern: Path, permit: tuple[str, set[str]], subject: Subject, hides: bool
) -> None:
    """No other field; nothing of a blocked person where that is hidden; the person asked about first and once; a
    group's fields of one length."""
    evidence, fields = permit
    asked = mandate(subject, *fields, evidence=evidence, blocked="hide" if hides else "deliver-with-notice")
    try:
        found = asyncio.run(sql(pattern).fetch(asked))
    finally:
        close_all()
    assert isinstance(found, Found) == (subject not in (NOBODY, NAMESAKE))
    if isinstance(found, Found):
        assert found.values.keys() <= fields
        assert not (hides and found.blocked and found.values)
        subjects = [person for person in found.persons if person.subject == found.persons[0].subject]
        assert subjects == [found.persons[0]]
        assert found.persons[0].concerned == "subject"
        assert len({len(value) for value in found.values.values() if isinstance(value, tuple)}) <= 1
