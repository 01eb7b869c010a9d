"""What lies beside `proof.json` in the forms foreign tools read: made from it alone, so that its reader can make it
again and compare (CONTRACT.md 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gateway.audit import proof
from gateway.audit.note import split
from gateway.audit.shard import KeyStatement
from gateway.views.export import Proof, tlog_proof_name


def with_beside(document: bytes, parsed: proof.Proof) -> Proof:
    """In: a proof.json, and what it says, found true. Out: the same with a `.tlog-proof` a line, and with the keys."""
    return Proof(
        document, dict(_inclusions(parsed)), "".join(f"{vkey}\n" for vkey in _vkeys(parsed)).encode()
    )


def _inclusions(parsed: proof.Proof) -> Iterator[tuple[str, bytes]]:
    for shard in parsed.shards:
        for subject in shard.subjects:
            for entry in subject.entries:
                single = proof.TlogProof(entry.index, entry.proof, shard.log.checkpoint)
                yield tlog_proof_name(shard.origin, entry.index), single.render().encode()


def _vkeys(parsed: proof.Proof) -> Iterator[str]:
    """Out: the authority's identity key; then of each shard the keys of its log and of its output log."""
    yield parsed.authority.vkey
    for shard in parsed.shards:
        statement = KeyStatement.parse(split(json.loads(shard.start.event)["keys"])[0])
        yield statement.log.vkey
        yield statement.index.vkey
