"""Lies about the authority, its shards, their heads and indexes, and the period."""

from __future__ import annotations

from typing import Any

from export_sample import person
from small_log import IDENTITY

from gateway.audit import note
from gateway.audit.note import Signer


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


def ends_before_it_begins(said: dict[str, Any]) -> None:
    said["to"] = "2026-09-30T00:00:00Z"


def no_day(said: dict[str, Any]) -> None:
    said["from"] = "2026-13-41"


def oldest_shard_left_out(said: dict[str, Any]) -> None:
    del said["shards"][0]


def oldest_of_every_class_left_out(said: dict[str, Any]) -> None:
    said["shards"] = [said["shards"][at] for at in (1, 3)]


def period_longer_than_the_log(said: dict[str, Any]) -> None:
    said["from"] = "2026-09-01"


def leaf_0_of_another_index(said: dict[str, Any]) -> None:
    entry = person(said)["entries"][0]
    said["shards"][3]["start"]["proof"] = entry["proof"]


def opening_of_another_shard(said: dict[str, Any]) -> None:
    for key in ("salt", "event"):
        said["shards"][3]["start"][key] = said["shards"][1]["start"][key]
