"""A citizen's whole export, checked by a program in Go that shares nothing with the house but its published formats."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peopled
import pytest
import pytest_asyncio
import tiling
import town as towns
from letters import asking
from peopled import ORDINARY
from town import Town

from consent.vocabulary import Subject
from gateway import person
from gateway.exchange import handle
from gateway.views.export import disassemble


@dataclass(frozen=True, slots=True)
class Handed:
    """What a citizen has, and what anybody may have."""

    vkey: str
    proof: Path
    tiles: Path
    older: tuple[Path, ...]
    """Checkpoints from before."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def handed(tmp_path_factory: pytest.TempPathFactory) -> Handed:
    """A town of two months with 600 lines more than a person's own; an export, the tiles, every kept checkpoint."""
    folder = tmp_path_factory.mktemp("exported")
    town = await towns.found(folder / "home")
    peopled.settle(folder / "home")
    await _asked(town, "WG-1")
    await town.opened.epochs.make(town.clock.now())
    town.clock.passes(days=15)
    for number in range(2):
        await _asked(town, f"WG-{number + 2}")
        await tiling.fill(town, 300)
        await town.opened.epochs.make(town.clock.now())
        town.clock.passes(hours=1)
    whom = Subject(idnr=ORDINARY.idnr, birth_date=ORDINARY.birth_date)
    made = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    (folder / "proof.json").write_bytes(disassemble(made.archive).proof.document)
    await tiling.publish(town, folder / "tiles", auditors=False)
    older = []
    for shard in await town.opened.store.shards():
        for size, note in await town.opened.store.checkpoints(shard.head.origin):
            older.append(folder / f"{shard.head.origin.replace('/', '-')}-{size}")
            older[-1].write_text(note)
    vkey = town.opened.keys.identity_vkey
    await town.opened.close()
    return Handed(vkey, folder / "proof.json", folder / "tiles", tuple(older))


async def _asked(town: Town, case: str) -> None:
    await town.chooses(ORDINARY, case, record=towns.IDS.new())
    await handle(town.delivery(asking(town, town.asks(ORDINARY, case=case), "json/1.0")), town.opened.house)


def says(exports: Path, *words: object) -> tuple[int, str]:
    run = subprocess.run([str(exports), *map(str, words)], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_go_accepts_the_export_and_the_tiles(exports: Path, handed: Handed) -> None:
    """Heads and output logs of both months, every entry, every place in the index, every label by another VRF, the
    tiles by Go's own reader, and that the log continues every checkpoint that was kept."""
    code, said = says(exports, handed.vkey, handed.proof, handed.tiles, *handed.older)
    assert code == 0, said
    shards, labels, entries, consistent = (int(part.split()[0]) for part in said.split(","))
    document = json.loads(handed.proof.read_bytes())
    forms = [form for shard in document["shards"] for form in shard["subjects"]]
    assert (shards, labels) == (4, len(forms))
    assert entries == sum(len(form["entries"]) for form in forms) > 5
    assert any("absence" in form for form in forms)
    assert consistent >= len(handed.older)


def _every(node: Any, tell: Callable[[str], None], name: str = "") -> None:
    """Change every text and number once, tell, and put it back."""
    for key in list(node if isinstance(node, dict) else range(len(node))):
        value = node[key]
        if isinstance(value, dict | list):
            _every(value, tell, str(key) if isinstance(key, str) else name)
        elif isinstance(value, str) and key not in ("from", "to", "name"):
            at = len(value) // 3
            node[key] = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            tell(f"{name}.{key}")
            node[key] = value
        elif isinstance(value, int) and key != "v":
            node[key] = value + 1
            tell(f"{name}.{key}")
            node[key] = value


def test_go_refuses_whatever_is_changed(exports: Path, handed: Handed, tmp_path: Path) -> None:
    """Every text and every number of the proof: nothing is there that nobody checks."""
    document, file = json.loads(handed.proof.read_bytes()), tmp_path / "proof.json"
    accepted: list[str] = []
    told = 0

    def tell(place: str) -> None:
        nonlocal told
        told += 1
        file.write_text(json.dumps(document))
        if says(exports, handed.vkey, file)[0] == 0:
            accepted.append(place)

    document["shards"] = document["shards"][-1:]
    _every(document, tell)
    assert told > 50
    assert accepted == []


def test_go_refuses_tiles_of_another_log(exports: Path, handed: Handed, tmp_path: Path) -> None:
    """A hash of a tile, and a checkpoint of another tree."""
    tiles = shutil.copytree(handed.tiles, tmp_path / "tiles")
    for path in [path for path in tiles.rglob("tile/**/*") if path.is_file()]:
        right = path.read_bytes()
        path.write_bytes(bytes([right[0] ^ 1]) + right[1:])
        assert says(exports, handed.vkey, handed.proof, tiles)[0] == 1, path
        path.write_bytes(right)
    assert says(exports, handed.vkey, handed.proof, tiles)[0] == 0
    lie = tmp_path / "older"
    rows = handed.older[-1].read_text().split("\n")
    rows[2] = ("B" if rows[2][0] == "A" else "A") + rows[2][1:]
    lie.write_text("\n".join(rows))
    assert says(exports, handed.vkey, handed.proof, tiles, lie)[0] == 1
