"""The offline check of an export: a true one is told what it shows, and every lie is found."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import AUDITOR, IDENTITY, OTHER, PERSON, REGISTER_FORM, SmallShard, small_log, small_proof

from gateway.audit import note
from gateway.audit.note import NoteInvalid, Signer
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome, Verdict

SHARDS = small_log()
TRUE = small_proof(SHARDS).render()
PLAIN = small_proof(SHARDS, indexed=False).render()
OTHERS = json.loads(small_proof(SHARDS, forms=(OTHER, REGISTER_FORM)).render())
VKEY = IDENTITY.verifier.vkey
AUDITOR_VKEY = AUDITOR.cosigner.vkey
Lie = Callable[[dict[str, Any]], None]


def told(lie: Lie, file: bytes = TRUE) -> Verdict:
    said = json.loads(file)
    lie(said)
    return verify_export(json.dumps(said).encode(), VKEY, [AUDITOR_VKEY])


def person(said: dict[str, Any], shard: int = 3) -> dict[str, Any]:
    """Out: the person's form that has entries, in the newest shard."""
    form: dict[str, Any] = said["shards"][shard]["subjects"][0]
    return form


def flip(part: dict[str, Any], key: str, at: int = 5) -> None:
    raw = bytearray(b64decode(part[key]))
    raw[at % len(raw)] ^= 1
    part[key] = b64encode(raw).decode()


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


# --- lies ---------------------------------------------------------------------------------------------------------
def drop_entry(said: dict[str, Any]) -> None:
    del person(said)["entries"][0]


def drop_all_entries(said: dict[str, Any]) -> None:
    person(said)["entries"] = []


def swap_entries(said: dict[str, Any]) -> None:
    person(said)["entries"].reverse()


def repeat_entry(said: dict[str, Any]) -> None:
    person(said)["entries"].insert(0, person(said)["entries"][0])


def swap_openings(said: dict[str, Any]) -> None:
    one, two = person(said)["entries"]
    one["event"], two["event"] = two["event"], one["event"]


def move_entry(said: dict[str, Any]) -> None:
    person(said)["entries"][0]["index"] += 1


def entry_of_another(said: dict[str, Any]) -> None:
    person(said)["entries"].append(OTHERS["shards"][3]["subjects"][0]["entries"][-1])


def withhold_without_norm(said: dict[str, Any]) -> None:
    person(said)["entries"][0] |= {"salt": None, "event": None}


def withhold_in_part(said: dict[str, Any]) -> None:
    person(said)["entries"][0] |= {"salt": None, "withheld": "§"}


def withhold_what_opens(said: dict[str, Any]) -> None:
    person(said)["entries"][0] |= {"withheld": "§"}


def another_persons_vrf_proof(said: dict[str, Any]) -> None:
    person(said)["vrf_proof"] = OTHERS["shards"][3]["subjects"][0]["vrf_proof"]


def another_persons_everything(said: dict[str, Any]) -> None:
    said["shards"][3]["subjects"][0] = OTHERS["shards"][3]["subjects"][0] | {"subject": PERSON}


def another_months_form(said: dict[str, Any]) -> None:
    said["shards"][3]["subjects"][0] = said["shards"][2]["subjects"][0]


def another_label_for_one_who_is_absent(said: dict[str, Any]) -> None:
    flip(said["shards"][3]["subjects"][1], "label", at=31)


def subject_renamed(said: dict[str, Any]) -> None:
    for shard in said["shards"]:
        shard["subjects"][0]["subject"] = OTHER


def not_a_subject(said: dict[str, Any]) -> None:
    for shard in said["shards"]:
        shard["subjects"][1]["subject"] = "mail:x"


def form_left_out(said: dict[str, Any]) -> None:
    del said["shards"][1]["subjects"][1]


def form_twice(said: dict[str, Any]) -> None:
    said["shards"][1]["subjects"].append(said["shards"][1]["subjects"][0])


def no_forms(said: dict[str, Any]) -> None:
    for shard in said["shards"]:
        shard["subjects"] = []


def shard_left_out(said: dict[str, Any]) -> None:
    del said["shards"][2]


def newest_shard_left_out(said: dict[str, Any]) -> None:
    del said["shards"][3]


def class_left_out(said: dict[str, Any]) -> None:
    del said["shards"][:2]


def shards_swapped(said: dict[str, Any]) -> None:
    said["shards"][2], said["shards"][3] = said["shards"][3], said["shards"][2]


def classes_mixed(said: dict[str, Any]) -> None:
    said["shards"] = [said["shards"][at] for at in (0, 2, 1, 3)]


def shard_twice(said: dict[str, Any]) -> None:
    said["shards"].insert(0, said["shards"][0])


def no_shards(said: dict[str, Any]) -> None:
    said["shards"] = []


def foreign_key(said: dict[str, Any]) -> None:
    said["authority"]["vkey"] = Signer.from_seed("musterstadt.example", bytes(32)).verifier.vkey


def foreign_name(said: dict[str, Any]) -> None:
    said["authority"]["name"] = "other.example"


def cosigner_as_authority(said: dict[str, Any]) -> None:
    said["authority"]["vkey"] = IDENTITY.cosigner.vkey


def origin_renamed(said: dict[str, Any]) -> None:
    said["shards"][3]["origin"] = "musterstadt.example/24m/2026-12"


def foreign_origin(said: dict[str, Any]) -> None:
    said["shards"][3]["origin"] = "other.example/24m/2026-11"


def nonsense_origin(said: dict[str, Any]) -> None:
    said["shards"][3]["origin"] = "24m"


def start_of_another_shard(said: dict[str, Any]) -> None:
    said["shards"][3]["start"] = said["shards"][2]["start"]


def head_of_another_shard(said: dict[str, Any]) -> None:
    said["shards"][3]["log"] = said["shards"][2]["log"]


def head_signed_by_another_key(said: dict[str, Any]) -> None:
    text, _ = note.split(said["shards"][3]["log"]["checkpoint"])
    forger = Signer.from_seed(text.split("\n")[0], bytes(32))
    said["shards"][3]["log"]["checkpoint"] = note.sign(text, forger)


def index_of_another_shard(said: dict[str, Any]) -> None:
    said["shards"][3]["index"] = said["shards"][2]["index"]


def older_epoch(said: dict[str, Any]) -> None:
    said["shards"][3]["index"]["position"] = 0


def index_size_changed(said: dict[str, Any]) -> None:
    said["shards"][3]["index"]["size"] += 1


def index_too_old(said: dict[str, Any]) -> None:
    said["to"] = "2026-11-22T00:00:00Z"


def index_taken_out_but_not_the_places(said: dict[str, Any]) -> None:
    del said["shards"][3]["index"]


def place_in_the_index_missing(said: dict[str, Any]) -> None:
    del person(said)["label_position"]


def place_in_the_index_moved(said: dict[str, Any]) -> None:
    person(said)["label_position"] ^= 1


def presence_and_absence(said: dict[str, Any]) -> None:
    person(said)["absence"] = {"left": None, "right": None}


def absence_missing(said: dict[str, Any]) -> None:
    del said["shards"][3]["subjects"][1]["absence"]


def absence_without_neighbours(said: dict[str, Any]) -> None:
    said["shards"][3]["subjects"][1]["absence"] = {"left": None, "right": None}


def absence_of_one_who_is_there(said: dict[str, Any]) -> None:
    form = person(said)
    del form["label_position"], form["label_proof"]
    form["entries"] = []
    form["absence"] = said["shards"][3]["subjects"][1]["absence"]


def ends_before_it_begins(said: dict[str, Any]) -> None:
    said["to"] = "2026-09-30T00:00:00Z"


def no_day(said: dict[str, Any]) -> None:
    said["from"] = "2026-13-41"


LIES: dict[Lie, int] = {
    drop_entry: 5,
    drop_all_entries: 5,
    swap_entries: 5,
    repeat_entry: 5,
    swap_openings: 5,
    move_entry: 5,
    entry_of_another: 5,
    withhold_without_norm: 5,
    withhold_in_part: 5,
    withhold_what_opens: 5,
    another_persons_vrf_proof: 5,
    another_persons_everything: 5,
    another_months_form: 5,
    another_label_for_one_who_is_absent: 5,
    subject_renamed: 5,
    not_a_subject: 5,
    form_left_out: 6,
    form_twice: 6,
    no_forms: 6,
    shard_left_out: 3,
    newest_shard_left_out: 4,
    class_left_out: 3,
    shards_swapped: 3,
    classes_mixed: 3,
    shard_twice: 3,
    no_shards: 3,
    foreign_key: 2,
    foreign_name: 1,
    cosigner_as_authority: 1,
    origin_renamed: 2,
    foreign_origin: 2,
    nonsense_origin: 2,
    start_of_another_shard: 2,
    head_of_another_shard: 3,
    head_signed_by_another_key: 3,
    index_of_another_shard: 4,
    older_epoch: 4,
    index_size_changed: 4,
    index_too_old: 4,
    index_taken_out_but_not_the_places: 5,
    place_in_the_index_missing: 5,
    place_in_the_index_moved: 5,
    presence_and_absence: 5,
    absence_missing: 5,
    absence_without_neighbours: 5,
    absence_of_one_who_is_there: 5,
    ends_before_it_begins: 3,
    no_day: 3,
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_every_lie_is_found_at_its_step(lie: Lie) -> None:
    """The verdict is `false`, shows nothing, and its first finding is of the step of LOG.md 7 that checks it."""
    verdict = told(lie)
    assert verdict.outcome is Outcome.FALSE
    assert not verdict.true
    assert verdict.shown == ()
    assert verdict.findings[0].step == LIES[lie]
    assert not any(PERSON in f"{finding.place} {finding.text}" for finding in verdict.findings)


OMISSION = {drop_entry, drop_all_entries, newest_shard_left_out}
ABOUT_THE_INDEX = {
    index_of_another_shard,
    older_epoch,
    index_size_changed,
    index_too_old,
    index_taken_out_but_not_the_places,
    place_in_the_index_missing,
    place_in_the_index_moved,
    presence_and_absence,
    absence_missing,
    absence_without_neighbours,
    absence_of_one_who_is_there,
}


@pytest.mark.parametrize(
    "lie", [lie for lie in LIES if lie not in OMISSION | ABOUT_THE_INDEX], ids=lambda lie: lie.__name__
)
def test_every_lie_but_those_of_omission_is_found_without_an_index_too(lie: Lie) -> None:
    """Only what is left out of the entries, or at the end, needs the index to be seen."""
    assert told(lie, PLAIN).outcome is Outcome.FALSE


def test_without_an_index_omission_is_not_seen_and_not_denied() -> None:
    """Which is why completeness is never claimed then."""
    assert told(drop_entry, PLAIN).outcome is Outcome.TRUE_NOT_COMPLETE


def house_of(*shards: SmallShard) -> bytes:
    return small_proof({str(at): shard for at, shard in enumerate(shards)}, indexed=False).render()


def steps(file: bytes) -> set[int]:
    return {finding.step for finding in verify_export(file, VKEY).findings}


def test_a_month_left_out_of_the_middle_is_found() -> None:
    """The shard after it names it as the one before."""
    september = SmallShard.open("24m", 2026, 10, classes=("24m",))
    october = SmallShard.open("24m", 2026, 11, september.close(), classes=("24m",))
    november = SmallShard.open("24m", 2026, 12, october.close(), classes=("24m",))
    november.sign()
    assert steps(house_of(september, october, november)) == set()
    assert steps(house_of(september, november)) == {3}


def test_a_head_signed_twice_is_found() -> None:
    """The next shard names another closing head than the one shown."""
    october = SmallShard.open("24m", 2026, 10, classes=("24m",))
    first = october.close()
    october.add(1)
    october.close()
    november = SmallShard.open("24m", 2026, 11, first, classes=("24m",))
    november.sign()
    assert steps(house_of(october, november)) == {3}


def test_leaf_0_must_be_this_authoritys_and_this_shards() -> None:
    """Another authority's shard, another label, another shard's key statement: each truly signed, each found."""
    other = SmallShard.open("24m", 2026, 10, classes=("24m",))
    lies = (
        SmallShard.open("24m", 2026, 10, classes=("24m",), authority="other.example"),
        SmallShard.open("24m", 2026, 10, classes=("24m",), label_of="other"),
        SmallShard.open("24m", 2026, 10, classes=("24m",), keys_of=SmallShard.open("24m", 2026, 9).keys),
    )
    other.sign()
    assert steps(house_of(other)) == set()
    for lie in lies:
        lie.sign()
        assert 2 in steps(house_of(lie))


def test_the_index_must_be_the_newest_and_made_for_this_head() -> None:
    """An older epoch that is truly in the output log, and an index made for an older head: found."""
    shard = SmallShard.open("24m", 2026, 11, classes=("24m",))
    older_head = shard.sign()
    shard.add(4)
    head = shard.sign()
    true = small_proof({"24m/11": shard}, start=date(2026, 11, 1))
    part = true.shards[0]
    assert steps(true.render()) == set()
    for index in (shard.older_index(head), shard.index_for(older_head)):
        lie = true.model_copy(update={"shards": (part.model_copy(update={"index": index}),)})
        assert 4 in steps(lie.render())


@pytest.mark.parametrize(
    ("part", "key"),
    [("start", "leaf"), ("start", "salt"), ("start", "event"), ("index", "leaf"), ("index", "root")],
)
def test_a_flipped_byte_of_a_shards_part_is_found(part: str, key: str) -> None:
    """Leaf 0 and the index."""

    def lie(said: dict[str, Any]) -> None:
        flip(said["shards"][1][part], key)

    assert told(lie).outcome is Outcome.FALSE


def _binaries(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Out: where every text and number of the file stands."""
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in _binaries(value, (*path, key))]
    if isinstance(node, list):
        return [found for at, value in enumerate(node) for found in _binaries(value, (*path, at))]
    return [path] if isinstance(node, str | int) and node is not None else []


SLACK = {"from", "to"}
"""A period may be claimed shorter than what is proved."""
PLACES = [path for path in _binaries(json.loads(TRUE)) if path[-1] not in SLACK]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLACES), st.data())
def test_any_flipped_byte_of_any_text_or_number_is_found(
    place: tuple[str | int, ...], data: st.DataObject
) -> None:
    """Whatever is changed anywhere in the file: it is false, or (an auditor's line only) no longer checked."""
    said = json.loads(TRUE)
    node = said
    for step in place[:-1]:
        node = node[step]
    value = node[place[-1]]
    if isinstance(value, int):
        node[place[-1]] = value ^ data.draw(st.integers(1, 7))
    else:
        at = data.draw(st.integers(0, len(value) - 1))
        node[place[-1]] = value[:at] + chr(ord(value[at]) ^ data.draw(st.integers(1, 127))) + value[at + 1 :]
    verdict = verify_export(json.dumps(said).encode(), VKEY, [AUDITOR_VKEY])
    if place[-1] == "checkpoint" and place[-2] == "index":
        assert verdict.outcome in (Outcome.FALSE, Outcome.COMPLETE_IF_HONEST)
    else:
        assert verdict.outcome is Outcome.FALSE


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_file_is_a_finding_never_an_exception(data: st.DataObject) -> None:
    """Any byte of the raw file flipped, any piece cut out: a verdict comes back."""
    raw = bytearray(TRUE)
    start = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[start] ^= data.draw(st.integers(1, 255))
    else:
        del raw[start : start + data.draw(st.integers(1, 400))]
    assert isinstance(verify_export(bytes(raw), VKEY), Verdict)
    assert verify_export(b"", VKEY).findings[0].step == 0
