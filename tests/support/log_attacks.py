"""The battery of attacks on the stored log. Beside each stands where the check must name it: table and column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import log_forgeries as forged
from attacker import BEFORE, MINE, OTHER, STRANGER, Attacker
from log_forgeries import text_of

from gateway.assembly.parts import CHECKPOINTS
from gateway.audit.note import Checkpoint, sign, split

Attack: TypeAlias = Callable[[Attacker], object]
Place: TypeAlias = tuple[str, str]

ATTACKS: Final[Mapping[str, tuple[Attack, Place]]] = {
    "a line dropped": (
        lambda mine: mine.run("DELETE FROM line WHERE shard = ? AND idx = 3", mine.shard()),
        ("line", "idx"),
    ),
    "the tail truncated": (forged.truncated, ("line", "idx")),
    "the tail truncated with everything in the database": (forged.truncated_all_over, ("shard", "size")),
    "an older copy of the database": (forged.older_copy, ("shard", "size")),
    "an older copy, and nothing kept": (forged.older_copy_nothing_kept, (CHECKPOINTS, "note")),
    "a line duplicated": (forged.duplicated, ("line", "idx")),
    "two lines swapped": (forged.swapped, ("line", "leaf")),
    "three lines re-ordered": (forged.reordered, ("line", "leaf")),
    "salts swapped": (lambda mine: mine.swap("salt", 2, 4), ("line", "salt")),
    "events swapped": (lambda mine: mine.swap("event", 2, 4), ("line", "event")),
    "labels swapped": (lambda mine: mine.swap("label", 0, 4), ("line", "label")),
    "leaves swapped": (lambda mine: mine.swap("leaf", 2, 4), ("line", "leaf")),
    "a line erased under a norm, silently": (forged.silently_erased, ("line", "withheld")),
    "a withdrawal lost in no restore": (forged.withdrawal_wiped, ("line", "withheld")),
    "a line erased without a norm": (forged.erased_without_a_norm, ("line", "withheld")),
    "a norm under which nothing was erased": (
        lambda mine: mine.sets_line(3, "withheld", "erased: IDNrG § 9"),
        ("line", "withheld"),
    ),
    "a shard dropped with all it had": (forged.shard_dropped, ("shard", "origin")),
    "a tile dropped": (
        lambda mine: mine.run("DELETE FROM tile WHERE shard = ?", mine.shard()),
        ("tile", "n"),
    ),
    "a tile duplicated": (
        lambda mine: mine.run(
            "INSERT INTO tile SELECT shard, level, 1, hashes FROM tile WHERE shard = ?", mine.shard()
        ),
        ("tile", "n"),
    ),
    "another shard's tile": (
        lambda mine: mine.run(
            "UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE shard = ?) WHERE shard = ?",
            mine.shard(OTHER),
            mine.shard(),
        ),
        ("tile", "hashes"),
    ),
    "a tile cut short": (
        lambda mine: mine.run("UPDATE tile SET hashes = substr(hashes, 1, 32) WHERE shard = ?", mine.shard()),
        ("tile", "hashes"),
    ),
    "another shard's root": (
        lambda mine: mine.run(
            "UPDATE shard SET root = (SELECT root FROM shard WHERE id = ?) WHERE id = ?",
            mine.shard(OTHER),
            mine.shard(),
        ),
        ("shard", "root"),
    ),
    "a second VRF key in the shard": (forged.second_vrf_key, ("shard", "secrets")),
    "another shard's keys": (forged.other_shards_keys, ("shard", "secrets")),
    "a second key statement": (forged.second_statement, ("line", "leaf")),
    "keys destroyed before their time": (
        lambda mine: mine.run("UPDATE shard SET secrets = NULL WHERE origin = ?", MINE),
        ("shard", "secrets"),
    ),
    "a checkpoint re-signed with the key of the month before": (
        lambda mine: mine.puts_note(sign(text_of(mine), mine.keys(BEFORE).log)),
        ("checkpoint", "note"),
    ),
    "a checkpoint re-signed with a foreign key": (
        lambda mine: mine.puts_note(sign(text_of(mine), STRANGER)),
        ("checkpoint", "note"),
    ),
    "a checkpoint of the wrong origin": (
        lambda mine: mine.puts_note(mine.note(OTHER)[1]),
        ("checkpoint", "note"),
    ),
    "the index key used as log key": (
        lambda mine: mine.puts_note(sign(text_of(mine), mine.keys().index)),
        ("checkpoint", "note"),
    ),
    "a cosignature key used as log key": (forged.cosignature_as_signature, ("checkpoint", "note")),
    "a checkpoint of another tree, truly signed": (forged.forked_note, ("checkpoint", "note")),
    "a checkpoint dropped": (
        lambda mine: mine.run(
            "DELETE FROM checkpoint WHERE shard = ? AND size = ?", mine.shard(), mine.note()[0]
        ),
        ("checkpoint", "size"),
    ),
    "a closing checkpoint dropped": (
        lambda mine: mine.run("DELETE FROM checkpoint WHERE shard = ?", mine.shard(BEFORE)),
        ("checkpoint", "size"),
    ),
    "the kept checkpoint of another shard": (
        lambda mine: mine.keeps(mine.file(OTHER).read_text()),
        (CHECKPOINTS, "note"),
    ),
    "the kept checkpoint of a foreign key": (
        lambda mine: mine.keeps(sign(split(mine.file().read_text())[0], STRANGER)),
        (CHECKPOINTS, "note"),
    ),
    "a kept checkpoint that is ahead": (forged.kept_ahead, ("shard", "size")),
    "a kept checkpoint of another tree": (forged.kept_fork, (CHECKPOINTS, "note")),
    "the kept checkpoint emptied": (lambda mine: mine.keeps(""), (CHECKPOINTS, "note")),
    "the kept checkpoint deleted": (lambda mine: mine.file().unlink(), (CHECKPOINTS, "note")),
    "the last epoch dropped": (
        lambda mine: mine.run(
            "DELETE FROM epoch WHERE shard = ? AND number = ?", mine.shard(), mine.last_epoch
        ),
        ("epoch", "number"),
    ),
    "the first epoch dropped": (
        lambda mine: mine.run("DELETE FROM epoch WHERE shard = ? AND number = 0", mine.shard()),
        ("epoch", "number"),
    ),
    "epochs swapped": (forged.epochs_swapped, ("epoch", "leaf")),
    "an epoch repeated": (forged.epoch_repeated, ("epoch", "leaf")),
    "an entry left out of the index": (forged.left_out_of_the_index, ("epoch", "leaf")),
    "an old index for a new head": (forged.old_index_for_a_new_head, ("epoch", "leaf")),
    "a kept checkpoint of another index": (
        lambda mine: mine.keeps(
            sign(Checkpoint(f"{MINE}/index", 1, b"\x03" * 32).text, mine.keys().index), f"{MINE}/index"
        ),
        (CHECKPOINTS, "note"),
    ),
    "a cosignature for another size": (
        lambda mine: mine.run(
            "UPDATE cosignature SET size = 1 WHERE shard = ? AND log = 'log' "
            "AND size = (SELECT max(size) FROM cosignature WHERE shard = ? AND log = 'log')",
            mine.shard(),
            mine.shard(),
        ),
        ("cosignature", "size"),
    ),
    "a witness's cosignature as an auditor's": (
        lambda mine: mine.run(
            "UPDATE cosignature SET line = (SELECT line FROM cosignature WHERE log = 'log' LIMIT 1) "
            "WHERE shard = ? AND log = 'index'",
            mine.shard(),
        ),
        ("cosignature", "line"),
    ),
    "a cosignature by a key that signs logs": (
        lambda mine: mine.run(
            "UPDATE OR REPLACE cosignature SET vkey = ? WHERE shard = ?", STRANGER.verifier.vkey, mine.shard()
        ),
        ("cosignature", "vkey"),
    ),
}
