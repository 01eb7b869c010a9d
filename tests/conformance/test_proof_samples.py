"""The samples of proof.json that an independent verifier accepts: ours accepts them, and refuses what is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from absent import leave_out

from gateway.audit import labels, note
from gateway.audit.proof import Proof
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome

VKEY = "dresden.example+1a788c3a+AQxRxn+qk9P9Z37cIi312DRq8j94DfPLOl+NyjU3uM3d"
PRESENT, ABSENT = "proof-example.json", "proof-example-absent.json"


@pytest.fixture(scope="session")
def samples(standards: Path) -> dict[str, bytes]:
    """Out: the sample files, which lie beside the folder of standards. Absent: as for the standards."""
    folder = standards.parent / "sketch"
    missing = [name for name in (PRESENT, ABSENT) if not (folder / name).is_file()]
    if missing:
        leave_out(f"the samples {', '.join(missing)} are not at {folder}")
    return {name: (folder / name).read_bytes() for name in (PRESENT, ABSENT)}


@pytest.mark.parametrize(("name", "lines"), [(PRESENT, 10), (ABSENT, 0)])
def test_the_true_samples_are_accepted(samples: dict[str, bytes], name: str, lines: int) -> None:
    """A person who is there and one who isn't: true, and complete if the index is honest."""
    verdict = verify_export(samples[name], VKEY)
    assert (verdict.outcome, verdict.findings, verdict.lines) == (Outcome.COMPLETE_IF_HONEST, (), lines)
    assert verify_export(samples[name]).outcome is Outcome.SIGNER_UNKNOWN


@pytest.mark.parametrize("name", [PRESENT, ABSENT])
def test_the_samples_are_spelled_as_we_spell_them(samples: dict[str, bytes], name: str) -> None:
    """Read and written again, they say the same."""
    assert json.loads(Proof.parse(samples[name]).render()) == json.loads(samples[name])


@pytest.mark.parametrize("name", [PRESENT, ABSENT])
def test_the_samples_without_their_index_are_true_and_not_complete(
    samples: dict[str, bytes], name: str
) -> None:
    """With the index parts taken out, completeness is not claimed."""
    said = json.loads(samples[name])
    for shard in said["shards"]:
        del shard["index"]
        for form in shard["subjects"]:
            for key in ("label_position", "label_proof", "absence"):
                form.pop(key, None)
    verdict = verify_export(json.dumps(said).encode(), VKEY)
    assert (verdict.outcome, verdict.complete) == (Outcome.TRUE_NOT_COMPLETE, False)


def test_the_samples_own_bytes_are_those_of_our_formats(samples: dict[str, bytes]) -> None:
    """The system label, the commitment and the auditor's cosignature of the samples come out of our functions."""
    proof = Proof.parse(samples[PRESENT])
    for shard in proof.shards:
        leaf = labels.parse_leaf(shard.start.leaf)
        assert leaf is not None
        assert leaf.label == labels.system(shard.origin)
        assert leaf.commit == labels.commit(shard.start.salt, shard.start.event)
        assert shard.index is not None
        lines = note.split(shard.index.checkpoint)[1].splitlines()
        assert [line.split(" ")[1] for line in lines] == [f"{shard.origin}/index", "auditor.example/dsb"]


def _flip_every(node: Any, tell: Callable[[], None]) -> None:
    """Change every text of the file once, tell, and put it back."""
    for key in list(node if isinstance(node, dict) else range(len(node))):
        value = node[key]
        if isinstance(value, dict | list):
            _flip_every(value, tell)
        elif isinstance(value, str) and key not in ("from", "to"):
            at = len(value) // 2
            node[key] = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            tell()
            node[key] = value
        elif isinstance(value, int):
            node[key] = value + 1
            tell()
            node[key] = value


@pytest.mark.parametrize("name", [PRESENT, ABSENT])
def test_every_text_and_number_of_the_samples_matters(samples: dict[str, bytes], name: str) -> None:
    """Each changed once: refused each time (the auditor's lines aside, which nobody here relies on)."""
    said = json.loads(samples[name])
    told: list[Outcome] = []
    _flip_every(said, lambda: told.append(verify_export(json.dumps(said).encode(), VKEY).outcome))
    assert len(told) > 100
    accepted = [outcome for outcome in told if outcome is not Outcome.FALSE]
    assert accepted in ([], [Outcome.COMPLETE_IF_HONEST] * len(said["shards"]))


def _person(said: dict[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = said["shards"][2]["subjects"][0]
    return form


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an entry dropped": lambda said: _person(said)["entries"].pop(),
    "entries swapped": lambda said: _person(said)["entries"].reverse(),
    "an entry of another shard": lambda said: _person(said)["entries"].append(
        said["shards"][3]["subjects"][0]["entries"][-1]
    ),
    "another form's VRF proof": lambda said: _person(said).update(
        vrf_proof=said["shards"][2]["subjects"][1]["vrf_proof"]
    ),
    "another subject": lambda said: _person(said).update(subject="idnr:02665439872"),
    "a shard left out": lambda said: said["shards"].pop(2),
    "the newest shard left out": lambda said: said["shards"].pop(3),
    "a class left out": lambda said: said["shards"].__delitem__(slice(0, 2)),
    "shards swapped": lambda said: said["shards"].reverse(),
    "a form left out": lambda said: said["shards"][1]["subjects"].pop(),
    "a foreign key": lambda said: said["authority"].update(
        vkey=note.Signer.from_seed("dresden.example", bytes(32)).verifier.vkey
    ),
    "a longer period": lambda said: said.update({"from": "2026-09-01"}),
    "a later end": lambda said: said.update(to="2026-12-24T00:00:00Z"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_the_samples_are_refused(samples: dict[str, bytes], lie: str) -> None:
    """Dropped, swapped, taken from elsewhere, left out."""
    said = json.loads(samples[PRESENT])
    LIES[lie](said)
    assert verify_export(json.dumps(said).encode(), VKEY).outcome is Outcome.FALSE
