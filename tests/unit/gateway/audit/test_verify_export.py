"""The offline check of an export: of a true one it tells what is shown, and what is not."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from export_lies import AUDITOR_VKEY, PLAIN, SHARDS, TRUE, VKEY, told
from small_log import IDENTITY, REGISTER_FORM, SmallShard, small_proof

from gateway.audit.note import NoteInvalid, Signer
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome


# --- true ones -----------------------------------------------------------------------------------------------
def test_a_true_export_is_complete_and_its_index_checked_by_the_auditor() -> None:
    """With the published key and an auditor's vkey: complete, checked by that auditor."""
    verdict = verify_export(TRUE, VKEY, [AUDITOR_VKEY])
    assert verdict.outcome is Outcome.COMPLETE_CHECKED
    assert (verdict.true, verdict.complete) == (True, True)
    assert (verdict.findings, verdict.lines, verdict.withheld) == ((), 8, 0)
    assert verdict.auditors == ("auditor.example/dsb",)
    assert {sentence.code for sentence in verdict.shown} >= {"signer", "unchanged", "complete-checked"}
    assert {sentence.code for sentence in verdict.not_shown} == {"logged", "exempt", "forms", "same-log"}


def test_without_an_auditor_it_is_complete_if_the_index_is_honest() -> None:
    """Nobody, or somebody who did not cosign: the reader is told so."""
    stranger = Signer.from_seed("stranger.example", bytes(32)).cosigner.vkey
    for auditors in ([], [stranger]):
        verdict = verify_export(TRUE, VKEY, auditors)
        assert verdict.outcome is Outcome.COMPLETE_IF_HONEST
        assert "index-checked" in {sentence.code for sentence in verdict.not_shown}
        assert verdict.auditors == ()


def test_without_an_index_it_is_true_and_not_yet_complete() -> None:
    """The index parts are absent: everything else is checked, and completeness is never claimed."""
    verdict = verify_export(PLAIN, VKEY, [AUDITOR_VKEY])
    assert verdict.outcome is Outcome.TRUE_NOT_COMPLETE
    assert (verdict.true, verdict.complete, verdict.lines) == (True, False, 8)
    assert "complete" in {sentence.code for sentence in verdict.not_shown}
    assert not any(sentence.code.startswith("complete") for sentence in verdict.shown)


def test_an_index_in_some_shards_only_shows_nothing_complete() -> None:
    """Taking the index out of one shard takes completeness away, and nothing else."""

    def lie(said: dict[str, Any]) -> None:
        said["shards"][2] = json.loads(PLAIN)["shards"][2]

    assert told(lie).outcome is Outcome.TRUE_NOT_COMPLETE


def test_the_fingerprint_is_as_good_as_the_key() -> None:
    """Letterheads print the SHA-256 of the vkey."""
    assert verify_export(TRUE, IDENTITY.verifier.fingerprint).true
    assert verify_export(TRUE).fingerprint == IDENTITY.verifier.fingerprint


def test_without_the_published_key_the_signer_is_unknown() -> None:
    """Consistent in itself, and neither true nor complete; the same for any other key or fingerprint."""
    other = Signer.from_seed("musterstadt.example", bytes(32)).verifier
    for authority in (None, other.vkey, other.fingerprint, "0" * 64):
        verdict = verify_export(TRUE, authority)
        assert verdict.outcome is Outcome.SIGNER_UNKNOWN
        assert (verdict.true, verdict.complete) == (False, False)
        assert "signer" in {sentence.code for sentence in verdict.not_shown}


def test_withheld_entries_count_for_completeness() -> None:
    """By law or erased: leaf and place are still proved."""
    verdict = verify_export(small_proof(SHARDS, erased=True).render(), VKEY)
    assert (verdict.outcome, verdict.lines, verdict.withheld) == (Outcome.COMPLETE_IF_HONEST, 0, 8)


def test_a_person_nobody_asked_about_is_shown_to_be_absent() -> None:
    """Two forms, no entries, in every shard."""
    verdict = verify_export(small_proof(SHARDS, forms=("idnr:02665439872", REGISTER_FORM)).render(), VKEY)
    assert (verdict.outcome, verdict.lines) == (Outcome.COMPLETE_IF_HONEST, 0)


def test_the_reader_s_own_keys_must_be_keys() -> None:
    """A misspelled key is the caller's mistake, not the file's."""
    for authority, auditors in (("musterstadt", []), (VKEY, ["x"]), (VKEY, [VKEY])):
        with pytest.raises(NoteInvalid):
            verify_export(TRUE, authority, auditors)


# --- the period and its shards ----------------------------------------------------------------------------------
def test_the_first_month_is_that_of_the_period() -> None:
    """A period that begins before the first shard is not covered; one that begins later is."""
    early = small_proof(SHARDS, start=date(2026, 9, 1)).render()
    assert {(finding.step, finding.text) for finding in verify_export(early, VKEY).findings} == {
        (3, "the period begins earlier: a shard is left out")
    }
    assert verify_export(small_proof(SHARDS, start=date(2026, 11, 3)).render(), VKEY).true


def test_a_class_that_is_new_may_begin_later() -> None:
    """Only if an earlier shard, there when the period began, did not know the class."""
    old = SmallShard.open("24m", 2026, 10, classes=("24m",))
    old.add(3)
    newer = SmallShard.open("24m", 2026, 11, old.close())
    newer.sign()
    young = SmallShard.open("12m", 2026, 11)
    young.sign()
    house = {"24m/10": old, "24m/11": newer, "12m/11": young}
    assert verify_export(small_proof(house).render(), VKEY).true
    del house["24m/10"]
    assert not verify_export(small_proof(house).render(), VKEY).true


def test_a_month_without_a_shard_is_no_gap() -> None:
    """Where nothing ran in October, `previous` leads from November to September."""
    shards: dict[str, SmallShard] = {}
    for retention in ("12m", "24m"):
        september = SmallShard.open(retention, 2026, 9)
        shards[retention] = SmallShard.open(retention, 2026, 11, september.close())
        shards[retention].sign()
    assert verify_export(small_proof(shards).render(), VKEY).true


def test_an_old_newest_shard_shows_nothing_complete() -> None:
    """Its index may be as young as it likes: a later shard may be left out."""
    october = {name: shard for name, shard in SHARDS.items() if name.endswith("10")}
    verdict = verify_export(small_proof(october).render(), VKEY)
    assert {finding.step for finding in verdict.findings} == {4}
    assert verdict.outcome is Outcome.FALSE
