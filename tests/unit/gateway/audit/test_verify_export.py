"""The offline check of an export: of a true one it tells what is shown, and what is not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from export_sample import AUDITOR_VKEY, PLAIN, SHARDS, TRUE, VKEY, told
from small_log import COSIGNED, IDENTITY, REGISTER_FORM, WITNESS, SmallShard, small_log, small_proof

from gateway.audit import note
from gateway.audit.note import NoteInvalid, Signer
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome

WITNESS_VKEY = WITNESS.cosigner.vkey


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
    assert verdict.period == ("2026-10-01", "2026-11-21T20:15:00Z")


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


def test_erased_entries_count_for_completeness_and_are_told_with_their_norm() -> None:
    """Leaf and place are still proved; what was erased before its time is told apart, as it may be withheld."""
    verdict = verify_export(small_proof(SHARDS, erased=True).render(), VKEY)
    assert verdict.outcome is Outcome.TRUE_NOT_COMPLETE
    assert (verdict.lines, verdict.withheld, verdict.erased) == (0, 8, 8)
    (erased,) = (sentence for sentence in verdict.shown if sentence.code == "erased")
    assert "IDNrG § 9" in erased.en
    assert "erased-early" in {sentence.code for sentence in verdict.not_shown}
    late = small_proof(SHARDS, erased=True, to=datetime(2028, 10, 31, 20, tzinfo=UTC)).render()
    assert sum("erased-early" in sentence.code for sentence in verify_export(late, VKEY).not_shown) == 0


def test_withheld_entries_are_told_with_their_reason() -> None:
    """What is neither shown nor erased: the reason given is the authority's, is printed as such, and makes nothing
    complete."""

    def lie(said: dict[str, Any]) -> None:
        said["shards"][3]["subjects"][0]["entries"][0] |= {"salt": None, "event": None, "withheld": "§ 1 X"}

    verdict = told(lie)
    assert (verdict.outcome, verdict.withheld, verdict.erased) == (Outcome.TRUE_NOT_COMPLETE, 1, 0)
    assert "withheld" in {sentence.code for sentence in verdict.not_shown}
    (withheld,) = (sentence for sentence in verdict.shown if sentence.code == "withheld")
    assert "§ 1 X" in withheld.de


def test_a_loss_that_the_log_does_not_tell_of_excuses_nothing() -> None:
    """The words of a restore alone: no line of any shard here says that one was lost."""

    def lie(said: dict[str, Any]) -> None:
        entry = said["shards"][3]["subjects"][0]["entries"][0]
        entry |= {"salt": None, "event": None, "withheld": "lost in a restore"}

    verdict = told(lie)
    assert (verdict.outcome, verdict.unaccounted) == (Outcome.TRUE_NOT_COMPLETE, 1)
    assert "withheld" in {sentence.code for sentence in verdict.not_shown}


@pytest.mark.parametrize("reason", ["", "erased: ", " ", "a\nb", "\x1b[2J", "x" * 201])
def test_a_reason_says_something_on_one_line(reason: str) -> None:
    """Nothing, a screen's commands, a page: as good as silent withholding."""

    def lie(said: dict[str, Any]) -> None:
        said["shards"][3]["subjects"][0]["entries"][0] |= {"salt": None, "event": None, "withheld": reason}

    assert told(lie).findings[0].step == 5


# --- witnesses -----------------------------------------------------------------------------------------------
def test_witnesses_of_every_open_shard_show_that_all_see_the_same_log() -> None:
    """The closed ones hang on the open one's leaf 0. One class left unwitnessed: not shown, and nothing else lost."""
    shards = small_log()
    shards["24m/11"].witnessed()
    some = verify_export(small_proof(shards).render(), VKEY, witnesses=[WITNESS_VKEY])
    assert (some.outcome, some.witnesses) == (Outcome.COMPLETE_IF_HONEST, ())
    shards["12m/11"].witnessed()
    file = small_proof(shards).render()
    verdict = verify_export(file, VKEY, witnesses=[AUDITOR_VKEY, WITNESS_VKEY])
    assert verdict.witnesses == (WITNESS.name,)
    assert "same-log" not in {sentence.code for sentence in verdict.not_shown}
    assert any(WITNESS.name in sentence.de for sentence in verdict.shown if sentence.code == "same-log")
    nobody = verify_export(file, VKEY)
    assert (nobody.outcome, nobody.witnesses) == (Outcome.COMPLETE_IF_HONEST, ())


def test_a_witness_line_that_does_not_hold_rejects_the_head() -> None:
    """Known by name and id, and false: the whole note is refused (C2SP signed-note)."""
    shards = small_log()
    another = note.cosign(shards["12m/11"].notes[-1], WITNESS, COSIGNED)
    shards["24m/11"].notes[-1] += another.splitlines(keepends=True)[-1]
    file = small_proof(shards).render()
    assert verify_export(file, VKEY, witnesses=[WITNESS_VKEY]).findings[0].step == 3
    assert verify_export(file, VKEY).true


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


def test_what_the_period_leaves_out_is_told() -> None:
    """The log knows of October, which was still to be kept; of a shard that may be gone by then, nothing is said."""
    november = {name: shard for name, shard in SHARDS.items() if name.endswith("11")}
    gone = {"24m": after(2024, 10, retention="24m"), "12m": after(2025, 10)}
    for shards, earlier in ((november, True), (SHARDS, False), (gone, False)):
        start = date(2026, 11, 1) if shards is not SHARDS else date(2026, 10, 1)
        verdict = verify_export(small_proof(shards, start=start).render(), VKEY)
        assert verdict.outcome is Outcome.COMPLETE_IF_HONEST, verdict.findings
        assert ("earlier" in {sentence.code for sentence in verdict.not_shown}) is earlier


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


# --- classes that end apart (docs/decisions/0021) ----------------------------------------------------------------
def ended(*twelve: SmallShard) -> dict[str, SmallShard]:
    """Out: shards of 24m from September 2025 to November 2026, with these of 12m."""
    old = SmallShard.open("24m", 2025, 9)
    new = SmallShard.open("24m", 2026, 11, old.close())
    new.sign()
    return {"24m/old": old, "24m/new": new} | {f"12m/{at}": shard for at, shard in enumerate(twelve)}


def after(
    year: int,
    month: int,
    number: int = 1,
    this: tuple[int, int, int] = (2026, 11, 1),
    retention: str = "12m",
) -> SmallShard:
    """Out: November's shard of a class, whose shard before it is that of the given month."""
    gone = SmallShard.open(retention, year, month, number=number)
    shard = SmallShard.open(retention, *this[:2], gone.close(), number=this[2])
    shard.sign()
    return shard


def test_a_class_that_keeps_shorter_begins_later() -> None:
    """Its shard of October 2025 was due by November 2026: it may be gone, and the verdict says from when it tells."""
    file = small_proof(ended(after(2025, 10)), start=date(2025, 9, 1)).render()
    verdict = verify_export(file, VKEY)
    assert (verdict.outcome, verdict.findings) == (Outcome.COMPLETE_IF_HONEST, ())
    (begun,) = (sentence for sentence in verdict.shown if sentence.code == "began-later")
    assert ("class 12m in 2026-11" in begun.en, "24m" in begun.en) == (True, False)


def test_a_class_that_ends_too_early_has_a_shard_left_out() -> None:
    """Of November 2025 something may be due in December 2026 only."""
    file = small_proof(ended(after(2025, 11)), start=date(2025, 9, 1)).render()
    assert [(finding.step, finding.place) for finding in verify_export(file, VKEY).findings] == [
        (3, "musterstadt.example/12m/2026-11")
    ]


def test_a_shard_left_out_of_the_first_month_is_found() -> None:
    """A `.2` has a shard before it in its own month: the period, which begins there, is not covered without it;
    not even where it names none."""
    for lone in (
        after(2026, 11, this=(2026, 11, 2)),
        after(2026, 11, number=2, this=(2026, 11, 2)),
        SmallShard.open("12m", 2026, 11, number=2),
    ):
        lone.sign()
        file = small_proof({"12m/11": lone, **ended()}, start=date(2026, 11, 1)).render()
        assert {finding.step for finding in verify_export(file, VKEY).findings} == {3}


def test_new_keys_in_a_running_month_are_no_gap() -> None:
    """`2026-11` and then `2026-11.2`, which links to it."""
    first = SmallShard.open("12m", 2026, 11)
    second = SmallShard.open("12m", 2026, 11, first.close(), number=2)
    second.sign()
    shards = ended(first, second)
    del shards["24m/old"]
    assert verify_export(small_proof(shards, start=date(2026, 11, 1)).render(), VKEY).true
