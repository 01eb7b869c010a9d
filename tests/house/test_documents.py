"""What the documents say is what the house does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
import reasons_doc
from typer.core import TyperGroup
from typer.main import get_command

from gateway.cli import app

ROOT = Path(__file__).parents[2]


def test_the_list_of_reasons_is_in_step() -> None:
    """docs/reasons.md holds every code with its words (tests/support/reasons_doc.py writes it)."""
    assert (ROOT / "docs" / "reasons.md").read_text("utf-8") == "\n".join(reasons_doc.lines()) + "\n"


DOCUMENTS: Final = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "gateway/cli/templates").rglob("*.md")),
]
BLOCKS: Final = re.compile(r"^```.*?^```$", re.M | re.S)
COMMANDS: Final = re.compile(r"`einmal ([^`]+)`")


def headings(document: Path) -> set[str]:
    """Out: a link may name after `#`: each heading in lower case, without signs, with hyphens."""
    found = re.findall(r"^#+ (.+)$", BLOCKS.sub("", document.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def dead(document: Path) -> list[str]:
    """Out: every link of the document that leads to no file, or to no heading of it."""
    links = re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", BLOCKS.sub("", document.read_text("utf-8")))
    wrong = []
    for target, heading in links:
        place = document.parent / target if target else document
        if not place.exists() or (heading and heading not in headings(place)):
            wrong.append(f"{document.name}: {target}#{heading}")
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_no_link_of_a_document_is_dead(document: Path) -> None:
    """In README, CHANGELOG and docs/ every file that is pointed to is there, and in it the heading."""
    assert dead(document) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """A missing file, a missing heading, and one that stands in a block of code only."""
    page = tmp_path / "page.md"
    page.write_text(
        "# One, two\n```\n# Three\n```\n[a](#one-two) [b](no.md) [c](#three) [d](page.md#four)\n", "utf-8"
    )
    assert dead(page) == ["page.md: no.md#", "page.md: #three", "page.md: page.md#four"]


def unknown(text: str) -> list[str]:
    """Out: every command in the text, written as code, that `einmal` has not, or has without that option."""
    wrong = []
    for said in COMMANDS.findall(BLOCKS.sub("", text)):
        command: object = get_command(app)
        words = said.split()
        while words and isinstance(command, TyperGroup) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        options = {name for one in getattr(command, "params", ()) for name in one.opts}
        named = [word for word in words if word.startswith("--")]
        if (isinstance(command, TyperGroup) and words) or not set(named) <= options:
            wrong.append(said)
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_every_command_a_document_speaks_of_is_there(document: Path) -> None:
    """`einmal …` in a sentence or a table names a command, with options that it has."""
    assert unknown(document.read_text("utf-8")) == []


def test_a_command_that_is_not_there_is_found() -> None:
    """A misspelt command, and an option of another one."""
    told = "`einmal log retention --dry-run`, `einmal log retain`, `einmal check --vacuum`, `einmal serve`"
    assert unknown(told) == ["log retain", "check --vacuum"]


def test_publiccode_tells_what_catalogues_ask_for() -> None:
    """Short descriptions up to 150 characters, the licence as SPDX id."""
    text = (ROOT / "publiccode.yml").read_text("utf-8")
    assert "license: EUPL-1.2" in text
    assert all(len(short) <= 150 for short in re.findall(r"shortDescription: (.*)", text))
