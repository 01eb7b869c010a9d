"""The offline check of a person's export, `proof.json`, in the order of LOG.md 7. Damaged input is a finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from gateway.audit.note import KeyType, NoteInvalid, Verifier, parse_vkey
from gateway.audit.proof import Proof, ProofInvalid
from gateway.audit.verify.completeness import check_index
from gateway.audit.verify.person import check_subject
from gateway.audit.verify.reading import Findings, ReadShard, read_shard
from gateway.audit.verify.verdict import Finding, Outcome, Tally, Verdict, conclude

_FINGERPRINT = re.compile(r"[0-9a-f]{64}\Z")


def verify_export(proof: bytes, authority: str | None = None, auditors: Sequence[str] = ()) -> Verdict:
    """Out: what the proof shows. Needs nothing but its arguments.

    In: the file's bytes; the authority's published vkey or its fingerprint, None if the reader knows neither; the
    vkeys of index auditors the reader trusts. Raises: NoteInvalid when one of the reader's own keys is none.
    """
    trusted = tuple(parse_vkey(auditor) for auditor in auditors)
    if any(auditor.type is not KeyType.COSIGNATURE_V1 for auditor in trusted):
        raise NoteInvalid("an auditor's vkey is one of type 04, cosignature/v1")
    if authority is not None and not _FINGERPRINT.match(authority):
        parse_vkey(authority)
    try:
        parsed = Proof.parse(proof)
    except ProofInvalid as wrong:
        return Verdict(Outcome.FALSE, (Finding(0, "proof.json", str(wrong)),))
    return _Check(parsed, trusted).run(authority)


class _Check:
    """One run over one proof."""

    def __init__(self, proof: Proof, auditors: Sequence[Verifier]) -> None:
        self._proof = proof
        self._auditors = auditors
        self._found = Findings()
        self._tally = Tally()

    def run(self, authority: str | None) -> Verdict:
        # 1. Is the identity key the published one?
        identity = self._identity()
        if identity is None:
            return Verdict(Outcome.FALSE, self._found.all)
        known = authority in (identity.vkey, identity.fingerprint)
        # 2. and 3. Leaf 0, key statement and head of every shard; then the chain of the shards.
        shards = [read_shard(shard, identity, self._found) for shard in self._proof.shards]
        read = [shard for shard in shards if shard is not None]
        if len(read) == len(shards):
            self._chain(read)
        # 4. The index of every shard.
        indexed = [check_index(shard, self._auditors, self._found) for shard in read]
        if all(epoch is not None for epoch in indexed):
            self._cut_off(read, [epoch.time for epoch in indexed if epoch is not None])
        # 5. Every form of the person in every shard.
        for shard, epoch in zip(read, indexed, strict=True):
            for number, subject in enumerate(shard.part.subjects, start=1):
                check_subject(
                    shard, subject, epoch, f"{shard.origin}, form {number}", self._found, self._tally
                )
        # 6. The same forms in every shard.
        self._forms()
        checked = [
            auditor for auditor in self._auditors if all(e and auditor in e.checked_by for e in indexed)
        ]
        complete = bool(indexed) and all(epoch is not None for epoch in indexed)
        return conclude(
            self._proof,
            identity,
            known,
            self._found.all,
            self._tally,
            complete,
            tuple(a.name for a in checked),
        )

    def _identity(self) -> Verifier | None:
        try:
            identity = parse_vkey(self._proof.authority.vkey)
        except NoteInvalid as wrong:
            self._found.add(1, "authority", f"its key is none: {wrong}")
            return None
        if identity.type is not KeyType.ED25519 or identity.name != self._proof.authority.name:
            self._found.add(1, "authority", "the key is not the named authority's identity key")
            return None
        return identity

    def _chain(self, shards: Sequence[ReadShard]) -> None:
        """Shards of a class follow each other; every class is there; nothing at the beginning is left out."""
        if not shards:
            self._found.add(3, "shards", "there are none")
            return
        month = self._start_month()
        groups = [list(group) for _, group in groupby(shards, key=lambda shard: shard.origin.retention)]
        classes = [group[0].origin.retention for group in groups]
        if len(set(classes)) != len(classes):
            self._found.add(3, "shards", "the shards of a class do not stand together")
        for name in sorted({name for shard in shards for name in shard.classes} - set(classes)):
            self._found.add(3, f"class {name}", "a class of the authority's is left out")
        for group in groups:
            for before, after in pairwise(group):
                if after.previous != before.checkpoint.text:
                    self._found.add(3, str(after.origin), "it does not follow the shard before it")
                if _place(after) <= _place(before):
                    self._found.add(3, str(after.origin), "it is not later than the shard before it")
            if month is not None and not _begins(group[0], month, shards):
                self._found.add(3, str(group[0].origin), "the period begins earlier: a shard is left out")

    def _start_month(self) -> tuple[int, int] | None:
        try:
            start = datetime.fromisoformat(f"{self._proof.from_}T00:00:00+00:00")
            end = datetime.fromisoformat(self._proof.to.replace("Z", "+00:00"))
        except ValueError:
            self._found.add(3, "from, to", "not a day and a moment")
            return None
        if start > end:
            self._found.add(3, "from, to", "the period ends before it begins")
        return start.year, start.month

    def _cut_off(self, shards: Sequence[ReadShard], times: Sequence[str]) -> None:
        """The newest epoch of every class reaches the end of the period, in a shard of the period's last month."""
        newest = {shard.origin.retention: (shard, time) for shard, time in zip(shards, times, strict=True)}
        try:
            end = datetime.fromisoformat(self._proof.to.replace("Z", "+00:00")) - timedelta(seconds=1)
        except (ValueError, OverflowError):
            return
        for shard, time in newest.values():
            if time < self._proof.to:
                self._found.add(4, str(shard.origin), "its index ends before the period does")
            if shard.origin.month_number < (end.year, end.month):
                self._found.add(
                    4, str(shard.origin), "the period ends in a later month: a shard may be left out"
                )

    def _forms(self) -> None:
        forms = [[subject.subject for subject in shard.subjects] for shard in self._proof.shards]
        for shard, named in zip(self._proof.shards, forms, strict=True):
            if not named or len(set(named)) != len(named) or set(named) != set(forms[0]):
                self._found.add(6, shard.origin, "not the same forms of the person as in the other shards")


def _place(shard: ReadShard) -> tuple[tuple[int, int], int]:
    return shard.origin.month_number, shard.origin.number


def _begins(first: ReadShard, month: tuple[int, int], shards: Sequence[ReadShard]) -> bool:
    """Out: whether nothing of the class between `month` and its first shard here can be missing.

    It covers the month; or the shard before it is named by `previous` and older; or the class is new: it has no
    shard before it, and an earlier shard, which was there in `month`, does not know the class.
    """
    start = first.origin.month_number
    if start <= month:
        return True
    if first.previous is not None:
        return first.previous_month is not None and first.previous_month < month
    earlier = [shard for shard in shards if shard.origin.month_number < start]
    covered = any(shard.origin.month_number <= month for shard in earlier)
    return covered and all(first.origin.retention not in shard.classes for shard in earlier)
