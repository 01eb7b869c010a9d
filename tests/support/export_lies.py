"""A small log's true export, and every lie somebody may make of it with the step of LOG.md 7 that finds it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from small_log import AUDITOR, IDENTITY, OTHER, PERSON, REGISTER_FORM, small_log, small_proof

from gateway.audit import note
from gateway.audit.note import Signer
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Verdict

SHARDS = small_log()
TRUE = small_proof(SHARDS).render()
PLAIN = small_proof(SHARDS, indexed=False).render()
OTHERS = json.loads(small_proof(SHARDS, forms=(OTHER, REGISTER_FORM)).render())
VKEY = IDENTITY.verifier.vkey
AUDITOR_VKEY = AUDITOR.cosigner.vkey
Lie = Callable[[dict[str, Any]], None]


def told(lie: Lie, file: bytes = TRUE) -> Verdict:
    """Out: what is found of a file with this lie in it."""
    said = json.loads(file)
    lie(said)
    return verify_export(json.dumps(said).encode(), VKEY, [AUDITOR_VKEY])


def person(said: dict[str, Any], shard: int = 3) -> dict[str, Any]:
    """Out: the person's form that has entries, in the newest shard."""
    form: dict[str, Any] = said["shards"][shard]["subjects"][0]
    return form


def flip(part: dict[str, Any], key: str, at: int = 5) -> None:
    """Turn one bit of a value in base64."""
    raw = bytearray(b64decode(part[key]))
    raw[at % len(raw)] ^= 1
    part[key] = b64encode(raw).decode()


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
"""Each lie, and the step that finds it first."""
OMISSION = {drop_entry, drop_all_entries, newest_shard_left_out}
"""They are seen with an index only."""
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
"""They can't be told of an export that has no index."""
