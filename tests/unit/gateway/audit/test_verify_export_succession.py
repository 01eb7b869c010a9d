"""An export over shards that former identity keys stated (docs/decisions/0022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from small_log import AUTHORITY, IDENTITY, SmallShard, small_proof

from gateway.audit import proof
from gateway.audit.identity import follow, lineage
from gateway.audit.note import Signer
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.audit.verify.stored.log import verify_log

SECOND = Signer.from_seed(AUTHORITY, b"\x12" * 32)
THIRD = Signer.from_seed(AUTHORITY, b"\x13" * 32)
THIEF = Signer.from_seed(AUTHORITY, b"\x66" * 32)
NOTES = (follow(IDENTITY, SECOND), follow(SECOND, THIRD))
HONEST = (IDENTITY, SECOND, THIRD)


def shards(stated: Sequence[Signer] = HONEST) -> dict[str, SmallShard]:
    """Out: three shards of one class, each stated by one of these keys."""
    found: dict[str, SmallShard] = {}
    closing: str | None = None
    for month, identity in enumerate(stated, start=9):
        shard = SmallShard.open("24m", 2026, month, closing, classes=("24m",), identity=identity)
        shard.add(5)
        closing = shard.close()
        found[str(month)] = shard
    list(found.values())[-1].followed = False
    return found


def authority(**changed: Any) -> proof.Authority:
    """Out: whose export it is, as the house says it; changed."""
    former = (IDENTITY.verifier.vkey, SECOND.verifier.vkey)
    parts: dict[str, Any] = {
        "name": AUTHORITY,
        "vkey": THIRD.verifier.vkey,
        "former": former,
        "succession": NOTES,
    }
    return proof.Authority(**{key: value for key, value in (parts | changed).items() if value is not None})


def told(
    known: str, stated: Sequence[Signer] = HONEST, whose: proof.Authority | None = None, last: int = 3
) -> Verdict:
    """In: the key a reader knows; who stated the shards. Out: what is found of the export of the last ones."""
    some = dict(list(shards(stated).items())[-last:])
    return verify_export(small_proof(some, authority=whose or authority()).render(), known)


def steps(verdict: Verdict) -> set[int]:
    assert verdict.outcome is Outcome.FALSE
    return {finding.step for finding in verdict.findings}


def test_a_reader_who_knows_the_key_in_use_believes_what_former_ones_stated() -> None:
    """True and complete over all shards; the signer is the published one."""
    for known in (THIRD.verifier.vkey, THIRD.verifier.fingerprint):
        verdict = told(known)
        assert verdict.outcome is Outcome.COMPLETE_IF_HONEST, verdict.findings
        assert "signer" in {sentence.code for sentence in verdict.shown}


@pytest.mark.parametrize("old", [IDENTITY, SECOND])
def test_a_reader_who_knows_a_former_key_is_told_that_another_followed_it(old: Signer) -> None:
    """As it says itself: the published key's own word leads to the one in use."""
    verdict = told(old.verifier.fingerprint)
    assert verdict.outcome is Outcome.COMPLETE_IF_HONEST
    codes = {sentence.code for sentence in verdict.shown}
    assert "signer-followed" in codes
    assert "signer" not in codes


def test_a_reader_who_knows_another_key_is_told_that_the_signer_is_unknown() -> None:
    """However many keys there are."""
    assert told(THIEF.verifier.vkey).outcome is Outcome.SIGNER_UNKNOWN


def test_an_export_names_only_the_keys_that_stated_its_shards() -> None:
    """And those between them and the one in use; none when there is only that."""
    identity = lineage(THIRD.verifier, NOTES)
    starts = [shard.proved(["idnr:x"], None).start for shard in shards().values()]
    whole, later, last = (proof.authority(identity, NOTES, starts[at:]) for at in range(3))
    assert whole == authority()
    assert (later.former, later.succession) == ((SECOND.verifier.vkey,), NOTES[1:])
    assert last.model_fields_set == {"name", "vkey"}


@pytest.mark.parametrize(
    "stated",
    [(IDENTITY, THIRD, SECOND), (SECOND, IDENTITY, THIRD), (THIRD, SECOND, THIRD)],
    ids=["the newest", "one in between", "after a later one"],
)
def test_a_former_key_states_no_shard_after_a_later_one_has(stated: Sequence[Signer]) -> None:
    """Who stole it can't go on with it."""
    assert steps(told(THIRD.verifier.vkey, stated)) == {2}


def test_the_newest_shard_is_stated_by_the_key_in_use() -> None:
    """Else who stole a former one could leave out everything since, or make up a log of their own."""
    assert steps(told(THIRD.verifier.vkey, (IDENTITY, SECOND, SECOND))) == {2}
    assert steps(told(THIRD.verifier.vkey, (IDENTITY, IDENTITY, IDENTITY))) == {2}


@pytest.mark.parametrize(
    ("lie", "step"),
    [
        (authority(succession=None), 1),
        (authority(former=None), 1),
        (authority(former=None, succession=None), 2),
        (authority(former=(IDENTITY.verifier.vkey,)), 1),
        (authority(former=(SECOND.verifier.vkey, IDENTITY.verifier.vkey)), 1),
        (authority(succession=NOTES[::-1]), 1),
        (authority(succession=NOTES[1:]), 1),
        (authority(succession=(follow(IDENTITY, THIEF), follow(THIEF, THIRD))), 1),
        (authority(succession=(NOTES[0], NOTES[1].replace("einmal/identity", "einmal/Identity"))), 1),
        (authority(vkey=THIEF.verifier.vkey), 1),
        (authority(vkey=THIEF.verifier.vkey, former=None, succession=None), 2),
    ],
    ids=[
        "no notes",
        "no former keys",
        "neither",
        "one left out",
        "swapped keys",
        "swapped notes",
        "a note left out",
        "another between",
        "a changed note",
        "another key at the end",
        "another key alone",
    ],
)
def test_every_lie_about_who_followed_whom_is_found(lie: proof.Authority, step: int) -> None:
    """At the step that reads the identity, or where a shard turns out to be stated by nobody known."""
    assert step in steps(told(THIRD.verifier.vkey, whose=lie))


def test_a_thief_s_own_note_convinces_only_who_knows_no_better() -> None:
    """With a stolen former key, a note to the thief's own key can be signed: who knows the key in use is not fooled."""
    forged = proof.Authority(
        name=AUTHORITY,
        vkey=THIEF.verifier.vkey,
        former=(IDENTITY.verifier.vkey,),
        succession=(follow(IDENTITY, THIEF),),
    )
    verdict = told(THIRD.verifier.vkey, (IDENTITY, THIEF, THIEF), forged)
    assert verdict.outcome is Outcome.SIGNER_UNKNOWN


def test_the_kept_log_is_checked_with_all_its_keys() -> None:
    """Each shard holds; an open one stated by a former key is the trace of a rotation that was broken off."""
    identity = lineage(THIRD.verifier, NOTES)
    for shard in shards().values():
        assert verify_log(shard.stored(), identity).holds
    behind = shards((IDENTITY, SECOND, SECOND))["11"]
    [wrong] = verify_log(behind.stored(), identity).wrong
    assert "rotate identity" in wrong.text
    foreign = shards((IDENTITY, SECOND, THIEF))["11"]
    assert not verify_log(foreign.stored(), identity).holds
