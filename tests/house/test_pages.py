"""Every command that a page of docs/ or the README shows is run, in the order it is shown, and says what the page says.

A block ```console holds lines `$ command`, run by a shell in one folder for the whole page, and below each what it
prints: every line shown must be there, in that order; `…` stands for anything, in a line or instead of lines.
`(exit 1)` after a command is how it ends; without it, it ends with 0. A block ```file PATH is written to that file.
`einmal demo` is run once: every page that begins with it gets a copy of what it left.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = sorted(
    page for page in (ROOT / "docs").glob("*.md") if re.search(r"^```console$", page.read_text("utf-8"), re.M)
)
BLOCK: Final = re.compile(r"^```(console|file [^\n]+)\n(.*?)^```$", re.M | re.S)
EXIT: Final = re.compile(r"\s+\(exit ([0-9])\)$")
SECONDS: Final = 60.0
DEMO: Final = "einmal demo"


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as a page shows it, with what it prints and how it ends."""

    command: str
    code: int
    prints: tuple[str, ...]


def shown(block: str) -> Iterator[Shown]:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *prints = part.rstrip("\n").split("\n")
        while command.endswith("\\"):
            command = command[:-1].rstrip() + " " + prints.pop(0).strip()
        ends = EXIT.search(command)
        code = int(ends[1]) if ends else 0
        yield Shown(EXIT.sub("", command), code, tuple(line.strip() for line in prints if line.strip()))


def said(expected: tuple[str, ...], output: str) -> str | None:
    """Out: the first line shown that was not printed after the ones before it."""
    lines = iter([re.sub(r"\s+", " ", line.strip()) for line in output.splitlines()])
    for wanted in expected:
        if wanted == "…":
            continue
        pattern = re.escape(re.sub(r"\s+", " ", wanted)).replace("…", ".*")
        if not any(re.fullmatch(pattern, line) for line in lines):
            return wanted
    return None


def run(command: str, folder: Path) -> tuple[int, str]:
    """Out: how the command ended, and what a terminal of 80 columns would show of it."""
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "80"}
    for name in ("EINMAL_HOME", "PYTHONDONTWRITEBYTECODE"):  # compiled once, as on a newcomer's machine
        here.pop(name, None)
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder, env=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """What the demo leaves, how it ended, what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "demo", *run(DEMO, folder)


def shows(page: Path, folder: Path, demo: tuple[Path, int, str]) -> int:
    """Run a page in a folder of its own. Out: how many commands it shows. Raises: AssertionError, where it is wrong."""
    left, demo_code, demo_output = demo
    ran = 0
    for kind, block in BLOCK.findall(page.read_text("utf-8")):
        if kind != "console":
            target = folder / kind.removeprefix("file ")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block, "utf-8")
            continue
        for step in shown(block):
            if step.command == DEMO:
                shutil.copytree(left, folder / left.name)
                code, output = demo_code, demo_output
            else:
                code, output = run(step.command, folder)
            assert code == step.code, f"{step.command}\n{output}"
            missing = said(step.prints, output)
            assert missing is None, f"{step.command}\nshown and not printed: {missing}\n{output}"
            ran += 1
    return ran


@pytest.fixture(scope="module")
def read(
    demo: tuple[Path, int, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Path], int]]:
    """Out: what reads a page, and those after it, as many at a time as there are processors: almost all of a page's
    time is the command starting. No further, since another process may be given the rest of the pages."""
    at_once = os.cpu_count() or 1
    begun: dict[Path, Future[int]] = {}
    with ThreadPoolExecutor(at_once) as pool:

        def reads(page: Path) -> int:
            for one in PAGES[PAGES.index(page) :][:at_once]:
                if one not in begun:
                    begun[one] = pool.submit(shows, one, tmp_path_factory.mktemp(one.stem), demo)
            return begun[page].result()

        yield reads


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_happens(page: Path, read: Callable[[Path], int]) -> None:
    """As a newcomer would type it, one command after the other."""
    assert read(page)


def test_a_page_that_shows_something_else_is_found() -> None:
    """What is shown must be there, in its order; what is left open may be anything."""
    assert said(("a b", "…", "c… d"), "x\n a  b\ny\ncc d\n") is None
    assert said(("c", "a"), "a\nc\n") == "a"
    assert said(("a",), "ab\n") == "a"
