"""The check of what a hold keeps: a proof in the form of LOG.md 7, of lines that may be erased by now.

It shows: these lines were in the log of the authority whose identity key signed the shards' keys, each at its place,
under a head signed by the shard's log key, unchanged since; a person's stand under that person's label; an exchange's
name it themselves. It does not show that they are all: a hold keeps what was there when it was placed, and what was due
since. (A person's may be given to `verify_export` as well: then the shards are also shown to follow each other.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.audit import labels, tree
from gateway.audit.identity import Identity
from gateway.audit.note import published_name
from gateway.audit.proof import EXCHANGE, Entry, Proof, ProofInvalid, Subject, exchange_subject
from gateway.audit.verify.exported.person import check_subject
from gateway.audit.verify.exported.verdict import Tally
from gateway.audit.verify.reading import Finding, Findings, ReadShard, read_identity, read_proof, read_shard


@dataclass(frozen=True, slots=True)
class HeldVerdict:
    """What came of it."""

    findings: tuple[Finding, ...]
    known: bool
    """The signer is the one the reader named."""
    fingerprint: str
    lines: int
    """Shown and opened."""
    withheld: int
    """Shown, and erased before they were held."""

    @property
    def holds(self) -> bool:
        """Out: whether nothing is wrong, and the signer is the reader's."""
        return self.known and not self.findings


def verify_held(document: bytes, authority: str) -> HeldVerdict:
    """In: the file; the authority's published vkey or fingerprint. Damaged input is a finding. Raises: NoteInvalid,
    when the authority's is neither."""
    published_name(authority)
    try:
        parsed = read_proof(document)
    except ProofInvalid as wrong:
        return HeldVerdict((Finding(0, "the file", str(wrong)),), False, "", 0, 0)
    found = Findings()
    identity = read_identity(parsed.authority, found)
    if identity is None:
        return HeldVerdict(found.all, False, "", 0, 0)
    return _Check(parsed, identity).run(identity.known_as(authority))


class _Check:
    def __init__(self, parsed: Proof, identity: Identity) -> None:
        self._parsed, self._identity = parsed, identity
        self._found, self._tally = Findings(), Tally()

    def run(self, known: bool) -> HeldVerdict:
        for part in self._parsed.shards:
            shard = read_shard(part, self._identity, (), self._found)
            if shard is None:
                continue
            for number, subject in enumerate(part.subjects, start=1):
                self._subject(shard, subject, f"{part.origin}, form {number}")
        tally = self._tally
        erased = tally.erased.total() + tally.withheld.total()
        return HeldVerdict(self._found.all, known, self._identity.current.fingerprint, tally.lines, erased)

    def _subject(self, shard: ReadShard, subject: Subject, place: str) -> None:
        if not subject.subject.startswith(EXCHANGE):
            check_subject(shard, subject, None, None, place, self._found, self._tally)
            return
        for number, entry in enumerate(subject.entries, start=1):
            wrong = _wrong_with(shard, subject, entry)
            if wrong is not None:
                self._found.add(5, f"{place}, entry {number}", wrong)
            else:
                self._tally.lines += 1


def _wrong_with(shard: ReadShard, subject: Subject, entry: Entry) -> str | None:
    leaf, head = labels.parse_leaf(entry.leaf), shard.checkpoint
    if leaf is None or leaf.label != subject.label:
        return "its leaf is not of this label"
    if not tree.verify_inclusion(tree.leaf_hash(entry.leaf), entry.index, head.size, entry.proof, head.root):
        return "it is not in the log"
    if entry.salt is None or entry.event is None or not labels.opens(leaf, entry.salt, entry.event):
        return "it does not open: event or salt are not those committed to"
    try:
        said = json.loads(entry.event)
    except ValueError:
        return "it is no event"
    named = said.get("exchange") if isinstance(said, dict) else None
    return None if exchange_subject(str(named)) == subject.subject else "it is another exchange's"
