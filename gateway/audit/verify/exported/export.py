"""The offline check of a person's export, `proof.json`, in the order of LOG.md 7. Damaged input is a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit.note import KeyType, NoteInvalid, Verifier, parse_vkey, published_name
from gateway.audit.proof import Proof, ProofInvalid
from gateway.audit.retention import Span
from gateway.audit.verify.erasures import lost_lines
from gateway.audit.verify.exported.completeness import Epoch, check_index
from gateway.audit.verify.exported.period import (
    Period,
    beginnings,
    check_chain,
    check_cut_off,
    check_statements,
    leaves_out,
    losses,
    newest,
)
from gateway.audit.verify.exported.person import check_subject
from gateway.audit.verify.exported.verdict import Learnt, Outcome, Tally, Verdict, conclude
from gateway.audit.verify.reading import Finding, Findings, ReadShard, read_identity, read_proof, read_shard


def verify_export(
    proof: bytes, authority: str | None = None, auditors: Sequence[str] = (), witnesses: Sequence[str] = ()
) -> Verdict:
    """Out: what the proof shows. Needs nothing but its arguments.

    In: the file's bytes; the authority's published vkey or its fingerprint, None if the reader knows neither; the
    vkeys of index auditors and of witnesses the reader trusts. Raises: NoteInvalid when one of the reader's own
    keys is none.
    """
    if authority is not None:
        published_name(authority)
    trusted = _Trusted(authority, _cosigners(auditors), _cosigners(witnesses))
    try:
        parsed = read_proof(proof)
    except ProofInvalid as wrong:
        return _unreadable(str(wrong))
    return _Check(parsed, trusted).run()


def _unreadable(why: str) -> Verdict:
    return Verdict(Outcome.FALSE, (Finding(0, "proof.json", why),))


def _cosigners(vkeys: Sequence[str]) -> tuple[Verifier, ...]:
    found = tuple(parse_vkey(vkey) for vkey in vkeys)
    if any(cosigner.type is not KeyType.COSIGNATURE_V1 for cosigner in found):
        raise NoteInvalid("the vkey of an auditor or witness is one of type 04, cosignature/v1")
    return found


@dataclass(frozen=True, slots=True)
class _Trusted:
    """Whom the reader knows."""

    authority: str | None
    auditors: tuple[Verifier, ...]
    witnesses: tuple[Verifier, ...]


class _Check:
    """One run over one proof."""

    def __init__(self, proof: Proof, trusted: _Trusted) -> None:
        self._proof = proof
        self._trusted = trusted
        self._found = Findings()
        self._tally = Tally()

    def run(self) -> Verdict:
        # 1. Is the identity key the published one?
        identity = read_identity(self._proof.authority, self._found)
        if identity is None:
            return Verdict(Outcome.FALSE, self._found.all)
        # 2. and 3. Leaf 0, key statement and head of every shard; then the chain of the shards.
        parts = [
            read_shard(part, identity, self._trusted.witnesses, self._found) for part in self._proof.shards
        ]
        shards = [shard for shard in parts if shard is not None]
        period = Period.read(self._proof, self._found)
        if len(shards) == len(parts):
            check_chain(shards, period, self._found)
            check_statements(shards, identity, self._found)
        # 4. The index of every shard.
        indexed = [check_index(shard, self._trusted.auditors, self._found) for shard in shards]
        epochs = [epoch for epoch in indexed if epoch is not None]
        complete = bool(shards) and len(epochs) == len(shards)
        if complete and period is not None:
            check_cut_off(shards, [epoch.time for epoch in epochs], period, self._found)
        # 5. Every form of the person in every shard.
        told = [(str(shard.origin), shard.part.restored) for shard in shards]
        restored = [(name, (line.leaf, line.salt, line.event)) for name, line in told if line is not None]
        for shard, epoch in zip(shards, indexed, strict=True):
            lost = lost_lines(restored, str(shard.origin), shard.checkpoint.size)
            self._subjects(shard, epoch, period, lost)
        # 6. The same forms in every shard.
        self._forms()
        learnt = Learnt(
            known=identity.known_as(self._trusted.authority),
            followed=identity.known_as(self._trusted.authority)
            and not identity.current.known_as(self._trusted.authority),
            complete=complete,
            auditors=_named(self._trusted.auditors, [epoch.checked_by for epoch in epochs])
            if complete
            else (),
            witnesses=_named(self._trusted.witnesses, [shard.witnessed_by for shard in newest(shards)]),
            begun=() if period is None else beginnings(shards, period),
            earlier=period is not None and leaves_out(shards, period),
            lost=losses(shards),
        )
        return conclude(self._proof, identity.current, self._found.all, self._tally, learnt)

    def _subjects(
        self, shard: ReadShard, epoch: Epoch | None, period: Period | None, lost: Sequence[Span]
    ) -> None:
        for number, subject in enumerate(shard.part.subjects, start=1):
            place = f"{shard.origin}, form {number}"
            check_subject(shard, subject, epoch, period, place, self._found, self._tally, lost)

    def _forms(self) -> None:
        forms = [[subject.subject for subject in shard.subjects] for shard in self._proof.shards]
        for shard, named in zip(self._proof.shards, forms, strict=True):
            if not named or len(set(named)) != len(named) or set(named) != set(forms[0]):
                self._found.add(6, shard.origin, "not the same forms of the person as in the other shards")


def _named(cosigners: Sequence[Verifier], signed: Sequence[Sequence[Verifier]]) -> tuple[str, ...]:
    """Out: the names of those who signed each of them."""
    return tuple(one.name for one in cosigners if all(one in by for by in signed))
