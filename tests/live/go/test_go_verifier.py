"""A line proved by us is accepted by Go's own transparency-log packages, and every lie about it is refused there too.

Needs Debian's `golang-go` and `golang-golang-x-mod-dev`: no module is downloaded.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from small_log import SmallShard

from gateway.audit import note
from gateway.audit.note import Signer
from gateway.audit.proof import TlogProof


@pytest.fixture(scope="module")
def shard() -> SmallShard:
    """Out: a shard of 601 lines, signed."""
    made = SmallShard.open("24m", 2026, 11)
    made.add(300)
    made.sign()
    return made


def proved(shard: SmallShard, index: int) -> TlogProof:
    return TlogProof(index, tuple(shard.nodes().inclusion(index)), shard.notes[-1])


def says(verifier: Path, folder: Path, vkey: str, proof: str, leaf: bytes) -> tuple[int, str]:
    (folder / "proof").write_text(proof)
    (folder / "leaf").write_bytes(leaf)
    run = subprocess.run(
        [str(verifier), vkey, str(folder / "proof"), str(folder / "leaf")],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("index", [0, 1, 255, 256, 511, 512, 600])
def test_go_accepts_our_lines(verifier: Path, shard: SmallShard, tmp_path: Path, index: int) -> None:
    """First and last line, and those around the tiles' borders."""
    vkey = shard.keys.public.log.vkey
    code, said = says(verifier, tmp_path, vkey, proved(shard, index).render(), shard.lines[index].leaf)
    assert (code, said) == (0, f"line {index} of 601 in {shard.origin}\n")


def test_go_refuses_every_lie(verifier: Path, shard: SmallShard, tmp_path: Path) -> None:
    """Another leaf, index, path, key, root or size."""
    vkey, leaf, good = shard.keys.public.log.vkey, shard.lines[300].leaf, proved(shard, 300)
    stranger = Signer.from_seed(shard.origin, bytes(32))
    text, _ = note.split(good.checkpoint)
    lies = {
        "leaf": (vkey, good, shard.lines[301].leaf),
        "index": (vkey, replace(good, index=301), leaf),
        "path": (vkey, replace(good, path=good.path[::-1]), leaf),
        "key": (stranger.verifier.vkey, good, leaf),
        "signature": (vkey, replace(good, checkpoint=note.sign(text, stranger)), leaf),
        "size": (vkey, replace(good, checkpoint=good.checkpoint.replace("\n601\n", "\n602\n")), leaf),
    }
    for name, (key, proof, data) in lies.items():
        code, said = says(verifier, tmp_path, key, proof.render(), data)
        assert (name, code) == (name, 1)
        assert said
