"""Lies about a person's forms, their entries and their places in the index."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from export_sample import OTHERS, flip, person
from small_log import OTHER, PERSON


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


def swap_salts(said: dict[str, Any]) -> None:
    one, two = person(said)["entries"]
    one["salt"], two["salt"] = two["salt"], one["salt"]


def relabel_entry_of_another(said: dict[str, Any]) -> None:
    entry = dict(OTHERS["shards"][3]["subjects"][0]["entries"][-1])
    label = b64decode(person(said)["label"])
    raw = b64decode(entry["leaf"])
    entry["leaf"] = b64encode(raw[:1] + label + raw[33:]).decode()
    person(said)["entries"].append(entry)


def truncate_entries(said: dict[str, Any]) -> None:
    del person(said)["entries"][1:]


def truncate_path(said: dict[str, Any]) -> None:
    del person(said)["entries"][0]["proof"][-1]


def lengthen_path(said: dict[str, Any]) -> None:
    person(said)["entries"][0]["proof"].append(person(said)["entries"][0]["proof"][0])


def withhold_for_no_reason(said: dict[str, Any]) -> None:
    person(said)["entries"][0] |= {"salt": None, "event": None, "withheld": "erased: "}


def form_in_one_shard_only(said: dict[str, Any]) -> None:
    for shard in said["shards"][:3]:
        del shard["subjects"][1]


def absence_of_another_label(said: dict[str, Any]) -> None:
    said["shards"][3]["subjects"][1]["absence"] = said["shards"][2]["subjects"][1]["absence"]


def absence_on_one_side_only(said: dict[str, Any]) -> None:
    absence = said["shards"][3]["subjects"][1]["absence"]
    absence["left" if absence["left"] else "right"] = None
