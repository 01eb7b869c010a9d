"""How commands speak: plain lines for people, JSON for programs, errors to standard error, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Annotated, Final, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consent.vocabulary import Problem

NO: Final = 1
USAGE: Final = 2
ENVIRONMENT: Final = 3

Home: TypeAlias = Annotated[
    Path, typer.Option("--home", envvar="EINMAL_HOME", help="The home's folder.", metavar="DIR")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HERE: Final = Path()

_WIDTH: Final = None if sys.stdout.isatty() else 400
"""Into a pipe or file a table is as wide as it must be."""
_out: Final = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=_WIDTH)
_err: Final = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=True)


def say(text: str = "", style: str | None = None) -> None:
    _out.print(Text(_harmless(text), style=style or ""))


def prose(text: str, style: str | None = None) -> None:
    """Print a sentence; in a terminal it breaks between words, each line under the first one's words."""
    if _out.is_terminal:
        under = " " * (len(text) - len(text.lstrip(" ✓✕–")))
        text = fill(text, _out.width, subsequent_indent=under, break_long_words=False, break_on_hyphens=False)
    say(text, style)


def in_terminal() -> bool:
    """Out: whether a person reads it, and not a program."""
    return _out.is_terminal


def _harmless(text: str) -> str:
    """Out: the text without what would command the terminal or turn its direction: a file from anywhere, shown here,
    could else write a verdict of its own over ours."""
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def raw(text: str) -> None:
    """Print bytes others check, exactly."""
    _out.file.write(text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows. Nothing is cut off, no word is broken: where it is too narrow, a row is a block of lines;
    into a pipe or file none ends in blanks."""
    rows = list(rows)
    columns = list(zip(head, *rows, strict=True))
    needed = sum(max(len(word) for cell in column for word in cell.split() or ("",)) for column in columns)
    if rows and needed + len(columns) > _out.width:
        longest = max(len(name) for name in head)
        for row in rows:
            say(row[0], "bold")
            for name, cell in zip(head[1:], row[1:], strict=True):
                say(f"  {name:{longest}}  {cell}")
        return
    sheet = Table(box=None, pad_edge=False, show_edge=False)
    for name in head:
        sheet.add_column(name, overflow="fold")
    for row in rows:
        sheet.add_row(*(Text(_harmless(cell)) for cell in row))
    if _out.is_terminal:
        _out.print(sheet)
        return
    with _out.capture() as caught:
        _out.print(sheet)
    raw("".join(f"{row.rstrip()}\n" for row in caught.get().splitlines()))


def count(number: int, thing: str) -> str:
    """Out: `1 line`, `1,002 lines`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def as_json(value: object) -> None:
    raw(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def error(text: str) -> None:
    _err.print(Text(_harmless(text), style="red"))


def problems(found: Sequence[Problem]) -> None:
    """Print every problem with its place and its mend."""
    for problem in found:
        _place(problem)
    if len(found) > 1:
        error(f"{len(found)} problems.")


def facts(problem: Problem) -> dict[str, object]:
    """Out: a problem for programs."""
    return {
        "file": problem.file,
        "line": problem.line,
        "key": problem.key,
        "wrong": problem.wrong,
        "mend": problem.mend,
    }


def warnings(found: Sequence[Problem]) -> None:
    """Print what is no mistake and wants to be known."""
    for problem in found:
        _place(problem, "warning: ")


def _place(problem: Problem, prefix: str = "") -> None:
    """Print where, what and the mend; in a terminal the lines break between words, under the first one's."""
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    text = f"{prefix}{place} {problem.key}: {problem.wrong}. {problem.mend}"
    if _err.is_terminal:
        text = fill(
            text, _err.width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    shown = Text(_harmless(text))
    shown.stylize("bold", len(prefix), len(prefix) + len(place))
    shown.stylize("yellow", 0, len(prefix))
    _err.print(shown)


def no() -> NoReturn:
    """The honest answer is no."""
    raise typer.Exit(NO)


def usage(text: str) -> NoReturn:
    """The command can't be meant like this."""
    raise typer.BadParameter(text)


def to_be_new(file: Path) -> None:
    """Nothing is overwritten: asked before anything is done that the log tells of."""
    if file.exists():
        usage(f"{file} is there already, and nothing is overwritten: name another file")


def write_private(file: Path, data: bytes) -> None:
    """Write a new file that nobody else can open from the moment it is there. Raises: OSError."""
    file.touch(0o600, exist_ok=False)
    file.write_bytes(data)
