"""Proof files: `.tlog-proof` and `proof.json` as formats."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_log import small_log, small_proof

from gateway.audit import note, tree
from gateway.audit.note import NoteInvalid
from gateway.audit.proof import Proof, ProofInvalid, TlogProof

SHARDS = small_log()
SHARD = SHARDS["24m/11"]
TLOG = TlogProof(5, tuple(SHARD.nodes().inclusion(5)), SHARD.notes[-1])


def test_a_tlog_proof_is_spelled_as_c2sp_spells_it() -> None:
    """Header, index, path, an empty line, the whole checkpoint; and it is read back."""
    text = TLOG.render()
    path = "".join(f"{note.encode64(node)}\n" for node in TLOG.path)
    assert text == f"c2sp.org/tlog-proof@v1\nindex 5\n{path}\n{SHARD.notes[-1]}"
    assert TlogProof.parse(text) == TLOG
    single = TlogProof(0, (), SHARD.notes[-1])
    assert TlogProof.parse(single.render()) == single


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n",
        TLOG.render().replace("@v1", "@v2"),
        TLOG.render().replace("index 5", "index 05"),
        TLOG.render().replace("index 5", "index -5"),
        TLOG.render().replace("index 5\n", "index 5\nAAAA\n"),
        TLOG.render().replace("index 5\n", "index 5\n" + note.encode64(bytes(32)) + "\nxxx\n"),
        TLOG.render().replace("index 5\n", "index 5\n" + (note.encode64(bytes(32)) + "\n") * 64),
        TLOG.render().split("\n\n")[0],
        TLOG.render().rstrip("\n"),
    ],
)
def test_what_is_no_tlog_proof_is_refused(text: str) -> None:
    """Another version, another spelling, no checkpoint."""
    with pytest.raises(ProofInvalid):
        TlogProof.parse(text)


@given(st.data())
def test_any_flipped_byte_of_a_tlog_proof_is_found(data: st.DataObject) -> None:
    """It is refused as a file, or its checkpoint does not hold, or its leaf is not in the log."""
    raw = bytearray(TLOG.render().encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = TlogProof.parse(raw.decode())
        checkpoint, _ = note.open_checkpoint(read.checkpoint, SHARD.keys.public.log)
    except (UnicodeDecodeError, ProofInvalid, NoteInvalid):
        return
    leaf = tree.leaf_hash(SHARD.lines[5].leaf)
    assert not tree.verify_inclusion(leaf, read.index, checkpoint.size, read.path, checkpoint.root)


@pytest.mark.parametrize("indexed", [True, False])
def test_proof_json_has_the_keys_of_the_format(indexed: bool) -> None:
    """Every key of LOG.md 7 and no other; without an index its parts are absent, not null; it is read back."""
    built = small_proof(SHARDS, indexed)
    said = json.loads(built.render())
    assert list(said) == ["v", "authority", "from", "to", "shards"]
    assert (said["v"], said["from"], said["to"]) == (1, "2026-10-01", "2026-11-21T20:15:00Z")
    shard = said["shards"][0]
    assert shard.keys() == {"origin", "log", "start", "subjects"} | ({"index"} if indexed else set())
    present, absent = shard["subjects"]
    both = {"subject", "vrf_proof", "label", "entries"}
    assert present.keys() == both | ({"label_position", "label_proof"} if indexed else set())
    assert absent.keys() == both | ({"absence"} if indexed else set())
    assert present["entries"][0].keys() == {"index", "leaf", "salt", "event", "proof"}
    assert Proof.parse(built.render()).render() == built.render()


def test_a_withheld_entry_has_null_for_salt_and_event() -> None:
    """Leaf, index and path stay; `withheld` names the norm."""
    said = json.loads(small_proof(SHARDS, erased=True).render())
    entry = said["shards"][0]["subjects"][0]["entries"][0]
    assert (entry["salt"], entry["event"], entry["withheld"]) == (None, None, "erased: IDNrG § 9")
    assert entry["leaf"]


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        small_proof(SHARDS).render()[:-100],
        small_proof(SHARDS).render().replace(b'"v": 1', b'"v": true'),
        small_proof(SHARDS).render().replace(b'"v": 1', b'"v": 1, "secret-key-of-the-file": 1'),
        small_proof(SHARDS).render().replace(b'"index": 2', b'"index": "2"'),
        small_proof(SHARDS).render().replace(b'"index": 2', b'"index": -2'),
        small_proof(SHARDS).render().replace(b'"index": 2', b'"index": 1e3'),
        small_proof(SHARDS).render().replace(b'"to": "2026', b'"to": "26'),
    ],
)
def test_what_is_no_proof_json_is_refused_without_quoting_it(file: bytes) -> None:
    """Truncated, nested, mistyped: one exception, and nothing of the file in it."""
    with pytest.raises(ProofInvalid) as refused:
        Proof.parse(file)
    assert "secret-key" not in str(refused.value)
    assert "idnr" not in str(refused.value)
