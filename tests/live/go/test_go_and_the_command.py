"""What `einmal log prove` prints of a house that has worked is accepted by Go's own transparency-log packages."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import town

from gateway import assembly
from gateway.cli.demo.people import anna
from gateway.exchange import handle


async def _worked(root: Path) -> None:
    place = await town.found(root, town.StillClock(assembly.now()))
    await place.chooses(anna())
    await handle(place.delivery(place.signed(place.asks(anna()), "wohngeldstelle")), place.opened.house)
    await place.opened.close()


def _einmal(home: Path, *words: str) -> str:
    command = [sys.executable, "-m", "gateway", "log", *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_go_accepts_every_line_the_command_proves(verifier: Path, tmp_path: Path) -> None:
    """Leaf 0, the policy, the choice, `asked` and `answered`: each in a file of its own, by its name in exports."""
    home = tmp_path / "home"
    asyncio.run(_worked(home))
    head = json.loads(_einmal(home, "head", "--json"))
    assert head["size"] == 5
    for index in range(head["size"]):
        folder = tmp_path / f"proof-{index}"
        _einmal(home, "prove", str(index), "--out", str(folder))
        (proof,), (leaf,) = folder.glob(f"24m-*-{index}.tlog-proof"), folder.glob("*.leaf")
        run = subprocess.run(
            [str(verifier), head["log_vkey"], str(proof), str(leaf)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, run.stdout) == (0, f"line {index} of 5 in {head['origin']}\n")
