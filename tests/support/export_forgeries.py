"""Exports as a forger with keys would make them: re-signed, made of older copies, of another house, truly signed and
yet short. Each with the step of LOG.md 7 that finds it and the place that is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from export_lies import Found
from export_sample import SHARDS, TRUE
from small_log import (
    AUDITOR,
    AUTHORITY,
    CLASSES,
    COSIGNED,
    IDENTITY,
    PERSON,
    REGISTER_FORM,
    WITNESS,
    SmallShard,
    chance,
    small_log,
    small_proof,
)

from gateway.audit import note
from gateway.audit.note import Signer
from gateway.audit.proof import Authority, LogHead, Proof, ShardProof
from gateway.audit.shard import KeyStatement, ShardKeys
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Verdict
from gateway.audit.vrf import VrfKey

STRANGER = Signer.from_seed(AUTHORITY, b"\x77" * 32)
"""Somebody who calls themselves as the authority does."""
_ONLY = ("24m",)
_NOVEMBER = date(2026, 11, 1)
_EARLIER = "2026-11-20T10:00:00Z"
_FORMS = (PERSON, REGISTER_FORM)


# --- older copies -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Growing:
    """An export, and what was truly signed before of the same log."""

    october_before: ShardProof
    """October of 24m when it was not closed yet."""
    before: Proof
    after: Proof


@cache
def growing() -> Growing:
    shards: dict[str, SmallShard] = {}
    octobers: list[ShardProof] = []
    for retention in CLASSES:
        october = SmallShard.open(retention, 2026, 10)
        october.add(5)
        october.sign()
        octobers.append(october.proved(_FORMS, _EARLIER))
        october.add(2)
        november = SmallShard.open(retention, 2026, 11, october.close())
        november.add(5)
        november.sign()
        shards |= {f"{retention}/10": october, f"{retention}/11": november}
    before = [shard.proved(_FORMS, _EARLIER) for shard in shards.values()]
    for name in ("12m/11", "24m/11"):
        shards[name].add(2)
        shards[name].sign()
    after = small_proof(shards)
    return Growing(octobers[-1], after.model_copy(update={"shards": tuple(before)}), after)


def newest_shard_as_it_was() -> bytes:
    found = growing()
    return _with(found.after, 3, found.before.shards[3])


def closed_shard_as_it_was() -> bytes:
    found = growing()
    return _with(found.after, 2, found.october_before)


def old_export_with_a_new_date() -> bytes:
    return growing().before.render()


def closed_with_two_heads() -> bytes:
    october = SmallShard.open("24m", 2026, 10, classes=_ONLY)
    first = october.close()
    october.add(1)
    october.close()
    november = SmallShard.open("24m", 2026, 11, first, classes=_ONLY)
    november.sign()
    return _house(october, november)


# --- signed by another key ----------------------------------------------------------------------------------------
def head_signed_with_the_key_of_last_month() -> bytes:
    new, old = SHARDS["24m/11"], SHARDS["24m/10"]
    return _head(note.sign(_text(new.notes[-1]), Signer(new.origin, old.keys.log.key)))


def head_signed_with_the_index_key() -> bytes:
    new = SHARDS["24m/11"]
    return _head(note.sign(_text(new.notes[-1]), Signer(new.origin, new.keys.index.key)))


def head_only_cosigned() -> bytes:
    new = SHARDS["24m/11"]
    signed = note.cosign(new.notes[-1], new.keys.log, COSIGNED)
    return _head(_text(signed) + "\n" + signed.splitlines(keepends=True)[-1])


def head_with_a_witness_of_another() -> bytes:
    other = note.cosign(SHARDS["24m/10"].notes[-1], WITNESS, COSIGNED)
    return _head(SHARDS["24m/11"].notes[-1] + other.splitlines(keepends=True)[-1])


def index_signed_with_the_key_of_last_month() -> bytes:
    new, old = SHARDS["24m/11"].keys.index, SHARDS["24m/10"].keys.index
    return _index(lambda signed: note.sign(_text(signed), Signer(new.name, old.key)))


def index_signed_by_its_auditor_only() -> bytes:
    return _index(lambda signed: _text(signed) + "\n" + signed.splitlines(keepends=True)[-1])


def index_with_its_auditors_line_of_another() -> bytes:
    index = Proof.parse(TRUE).shards[2].index
    assert index is not None
    other = index.checkpoint.splitlines(keepends=True)[-1]
    return _index(lambda signed: "".join(signed.splitlines(keepends=True)[:-1]) + other)


class WithCosigner(ShardKeys):
    """A shard's keys whose statement names the log key as a cosigner's."""

    @property
    def public(self) -> KeyStatement:
        return KeyStatement(self.origin, self.log.cosigner, self.index.verifier, self.vrf.public)


def cosigners_key_as_log_key() -> bytes:
    keys = SmallShard.open("24m", 2026, 11).keys
    shard = SmallShard.open(
        "24m", 2026, 11, classes=_ONLY, keys_of=WithCosigner.from_bytes(keys.origin, keys.to_bytes())
    )
    shard.sign()
    return _house(shard)


def keys_stated_by_a_stranger() -> bytes:
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY, identity=STRANGER)
    shard.sign()
    return _house(shard)


def a_second_vrf_key() -> bytes:
    """The person's lines stand under a label of another key than the one stated, in the log and in the index."""
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY)
    shard.keys = replace(shard.keys, vrf=VrfKey(chance("another")))
    shard.add(4)
    shard.sign()
    return _house(shard)


def another_houses_shard() -> bytes:
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY, authority="other.example")
    shard.sign()
    return _house(shard)


def another_shards_keys() -> bytes:
    keys = SmallShard.open("24m", 2026, 9).keys
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY, keys_of=keys)
    shard.sign()
    return _house(shard)


def another_label_of_leaf_0() -> bytes:
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY, label_of="other")
    shard.sign()
    return _house(shard)


# --- truly signed, and short -------------------------------------------------------------------------------------
def older_epoch_of_the_output_log() -> bytes:
    shard = SHARDS["24m/11"]
    return _part(index=shard.older_index(shard.notes[-1]))


def index_of_an_older_head() -> bytes:
    shard = small_log()["24m/11"]
    older = shard.notes[-1]
    shard.add(2)
    shard.sign()
    part = shard.proved(_FORMS, "2026-11-21T20:16:00Z").model_copy(update={"index": shard.index_for(older)})
    return _with(Proof.parse(TRUE), 3, part)


def month_left_out_of_the_middle() -> bytes:
    september = SmallShard.open("24m", 2026, 9, classes=_ONLY)
    october = SmallShard.open("24m", 2026, 10, september.close(), classes=_ONLY)
    november = SmallShard.open("24m", 2026, 11, october.close(), classes=_ONLY)
    november.sign()
    return _house(september, november, start=date(2026, 9, 1))


def first_shard_of_a_month_left_out() -> bytes:
    first = SmallShard.open("24m", 2026, 11, classes=_ONLY)
    second = SmallShard.open("24m", 2026, 11, first.close(), classes=_ONLY, number=2)
    second.sign()
    return _house(second)


def class_that_ends_too_early() -> bytes:
    old = SmallShard.open("24m", 2025, 9)
    new = SmallShard.open("24m", 2026, 11, old.close())
    gone = SmallShard.open("12m", 2025, 11)
    short = SmallShard.open("12m", 2026, 11, gone.close())
    for shard in (new, short):
        shard.sign()
    return _house(short, old, new, start=date(2025, 9, 1))


# --- the file ------------------------------------------------------------------------------------------------------
def key_twice() -> bytes:
    return TRUE.replace(b'"to"', b'"to": "2026-11-21T20:15:00Z", "to"', 1)


def other_version() -> bytes:
    return TRUE.replace(b'"v": 1', b'"v": 2', 1).replace(b'"v":1', b'"v":2', 1)


def key_of_no_format() -> bytes:
    return TRUE.replace(b'"from"', b'"fromm"', 1)


def _cut(at: float) -> Callable[[], bytes]:
    return lambda: TRUE[: int(len(TRUE) * at)]


# --- the house of a stranger ----------------------------------------------------------------------------------------
def whole_house_of_a_stranger() -> bytes:
    """Everything fits together, under the authority's name, and by another key."""
    shard = SmallShard.open("24m", 2026, 11, classes=_ONLY, identity=STRANGER)
    shard.add(4)
    shard.sign()
    return _house(shard, authority=Authority(name=AUTHORITY, vkey=STRANGER.verifier.vkey))


def truly_made() -> Mapping[str, bytes]:
    """Out: true exports, made with the forger's own tools."""
    september = SmallShard.open("24m", 2026, 9, classes=_ONLY)
    october = SmallShard.open("24m", 2026, 10, september.close(), classes=_ONLY)
    november = SmallShard.open("24m", 2026, 11, october.close(), classes=_ONLY)
    november.add(2)
    second = SmallShard.open("24m", 2026, 11, november.close(), classes=_ONLY, number=2)
    second.sign()
    whole = Proof.parse(TRUE)
    return {
        "after": growing().after.render(),
        "three months and new keys": _house(september, october, november, second, start=date(2026, 9, 1)),
        "a part put back": _with(whole, 3, whole.shards[3]),
    }


def _house(*shards: SmallShard, start: date = _NOVEMBER, authority: Authority | None = None) -> bytes:
    named = {str(at): shard for at, shard in enumerate(shards)}
    return small_proof(named, start=start, authority=authority).render()


def _with(proof: Proof, at: int, part: ShardProof) -> bytes:
    shards = (*proof.shards[:at], part, *proof.shards[at + 1 :])
    return proof.model_copy(update={"shards": shards}).render()


def _part(**changed: Any) -> bytes:
    proof = Proof.parse(TRUE)
    return _with(proof, 3, proof.shards[3].model_copy(update=changed))


def _head(checkpoint: str) -> bytes:
    return _part(log=LogHead(checkpoint=checkpoint))


def _index(forge: Callable[[str], str]) -> bytes:
    index = Proof.parse(TRUE).shards[3].index
    assert index is not None
    return _part(index=index.model_copy(update={"checkpoint": forge(index.checkpoint)}))


def _text(signed: str) -> str:
    return note.split(signed)[0]


_NEW, _NEW_12 = "musterstadt.example/24m/2026-11", "musterstadt.example/12m/2026-11"
FORGERIES: Mapping[Callable[[], bytes], Found] = {
    newest_shard_as_it_was: (4, _NEW),
    closed_shard_as_it_was: (3, _NEW),
    old_export_with_a_new_date: (4, _NEW_12),
    closed_with_two_heads: (3, _NEW),
    head_signed_with_the_key_of_last_month: (3, _NEW),
    head_signed_with_the_index_key: (3, _NEW),
    head_only_cosigned: (3, _NEW),
    head_with_a_witness_of_another: (3, _NEW),
    index_signed_with_the_key_of_last_month: (4, _NEW),
    index_signed_by_its_auditor_only: (4, _NEW),
    index_with_its_auditors_line_of_another: (4, _NEW),
    cosigners_key_as_log_key: (2, _NEW),
    keys_stated_by_a_stranger: (2, _NEW),
    a_second_vrf_key: (5, f"{_NEW}, form 1"),
    another_houses_shard: (2, "other.example/24m/2026-11"),
    another_shards_keys: (2, _NEW),
    another_label_of_leaf_0: (2, _NEW),
    older_epoch_of_the_output_log: (4, _NEW),
    index_of_an_older_head: (4, _NEW),
    month_left_out_of_the_middle: (3, _NEW),
    first_shard_of_a_month_left_out: (3, f"{_NEW}.2"),
    class_that_ends_too_early: (3, _NEW_12),
    key_twice: (0, "proof.json"),
    other_version: (0, "proof.json"),
    key_of_no_format: (0, "proof.json"),
    _cut(0): (0, "proof.json"),
    _cut(0.5): (0, "proof.json"),
    _cut(0.99): (0, "proof.json"),
}
"""Each forgery: the step that finds it first, and the place it names."""


def judged(file: bytes) -> Verdict:
    """Out: what a reader finds who knows the authority, an auditor and a witness."""
    return verify_export(file, IDENTITY.verifier.vkey, [AUDITOR.cosigner.vkey], [WITNESS.cosigner.vkey])
