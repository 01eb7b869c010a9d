"""What could be done to the stored log: attacks that take more than a statement."""

from __future__ import annotations

from shutil import copyfile

import lived_in
from attacker import BEFORE, MINE, OTHER, SECRETS, STRANGER, Attacker

from gateway.assembly.tools import open_keys
from gateway.audit import labels, tree
from gateway.audit.index import Index, OutputLeaf, output_leaf, stamp
from gateway.audit.note import Checkpoint, cosign, encode64, sign, split
from gateway.audit.shard import ShardKeys, opening_event, statement_text


# --- lines ---------------------------------------------------------------------------------------------------
def reordered(mine: Attacker) -> None:
    for one, other in ((2, 3), (3, 4)):
        for column in ("label", "leaf", "salt", "event"):
            mine.swap(column, one, other)


def swapped(mine: Attacker) -> None:
    for column in ("label", "leaf", "salt", "event"):
        mine.swap(column, 2, 4)


def duplicated(mine: Attacker) -> None:
    mine.run(
        "INSERT INTO line SELECT shard, ?, label, leaf, salt, event, withheld FROM line WHERE shard = ? AND idx = 2",
        mine.size(),
        mine.shard(),
    )


def truncated(mine: Attacker) -> None:
    mine.run("DELETE FROM line WHERE shard = ? AND idx >= ?", mine.shard(), mine.size() - 3)


def truncated_all_over(mine: Attacker) -> None:
    """Lines, tile and head go back together, and nothing in the database shows it."""
    size, shard = mine.size() - 3, mine.shard()
    rows = mine.database.execute(
        "SELECT leaf FROM line WHERE shard = ? AND idx < ? ORDER BY idx", (shard, size)
    )
    hashes = [tree.leaf_hash(leaf) for (leaf,) in rows]
    for table in ("checkpoint", "epoch"):
        mine.database.execute(f"DELETE FROM {table} WHERE shard = ? AND size > ?", (shard, size))
    mine.database.execute("DELETE FROM cosignature WHERE shard = ?", (shard,))
    mine.run("DELETE FROM line WHERE shard = ? AND idx >= ?", shard, size)
    mine.run("UPDATE tile SET hashes = ? WHERE shard = ?", b"".join(hashes), shard)
    mine.run("UPDATE shard SET size = ?, root = ? WHERE id = ?", size, tree.root(hashes), shard)


def older_copy(mine: Attacker) -> None:
    mine.database.commit()
    for left in mine.home.glob(f"{lived_in.DATABASE}-*"):
        left.unlink()
    copyfile(mine.home / lived_in.OLDER, mine.home / lived_in.DATABASE)


def older_copy_nothing_kept(mine: Attacker) -> None:
    older_copy(mine)
    for file in lived_in.kept_files(mine.home):
        file.unlink()


def shard_dropped(mine: Attacker) -> None:
    shard = mine.shard()
    for table in ("line", "tile", "checkpoint", "epoch", "cosignature", "held"):
        mine.database.execute(f"DELETE FROM {table} WHERE shard = ?", (shard,))
    mine.run("DELETE FROM shard WHERE id = ?", shard)


def silently_erased(mine: Attacker) -> None:
    for column, value in (("salt", None), ("event", None), ("withheld", "erased: IDNrG § 9")):
        mine.sets_line(3, column, value)


def withdrawal_wiped(mine: Attacker) -> None:
    """The line and the step go together: the consent stands again, and a restore that no line tells of is blamed."""
    event = mine.one("SELECT record, revision FROM record_event WHERE state = 'withdrawn'")
    mine.run("DELETE FROM record_event WHERE record = ? AND revision = ?", *event)
    before = "(SELECT state FROM record_event WHERE record = ?1 AND revision = ?2 - 1)"
    mine.run(f"UPDATE record SET revision = ?2 - 1, state = {before} WHERE record = ?1", *event)
    mine.run(
        "UPDATE line SET salt = NULL, event = NULL, withheld = 'lost in a restore' "
        "WHERE cast(event AS TEXT) LIKE '%\"consent.withdrawn\"%'"
    )


def erased_without_a_norm(mine: Attacker) -> None:
    for column in ("salt", "event"):
        mine.sets_line(3, column, None)


# --- keys ----------------------------------------------------------------------------------------------------
def second_vrf_key(mine: Attacker) -> None:
    old = mine.keys().to_bytes()
    changed = old[: 1 + 64] + bytes(32) + old[1 + 96 :]
    _puts_secrets(mine, changed)


def other_shards_keys(mine: Attacker) -> None:
    _puts_secrets(mine, mine.keys(OTHER).to_bytes())


def _puts_secrets(mine: Attacker, secrets: bytes) -> None:
    sealed = open_keys(mine.home).wrap(secrets, SECRETS + MINE)
    mine.run("UPDATE shard SET secrets = ? WHERE origin = ?", sealed, MINE)


def second_statement(mine: Attacker) -> None:
    """Leaf 0 says another VRF key, vouched for by the authority itself."""
    keys = open_keys(mine.home)
    other = ShardKeys.generate(MINE, lambda size: b"\x51" * size)
    event = opening_event(
        ["12m", "24m"], keys.sign_as_authority(statement_text(MINE, other)), mine.note(BEFORE)[1]
    )
    salt = b"\x52" * 32
    for column, value in (
        ("salt", salt),
        ("event", event),
        ("leaf", labels.leaf(labels.system(MINE), labels.commit(salt, event))),
    ):
        mine.sets_line(0, column, value)


# --- notes ---------------------------------------------------------------------------------------------------
def text_of(mine: Attacker) -> str:
    return split(mine.note()[1])[0]


def forked_note(mine: Attacker) -> None:
    mine.puts_note(sign(Checkpoint(MINE, mine.note()[0], b"\x01" * 32).text, mine.keys().log))


def cosignature_as_signature(mine: Attacker) -> None:
    """The log's own key signed, but as one who only looks on."""
    text = text_of(mine)
    line = split(cosign(sign(text, STRANGER), mine.keys().log, 1_795_292_868))[1].splitlines(keepends=True)[
        -1
    ]
    mine.puts_note(f"{text}\n{line}")


def kept_ahead(mine: Attacker) -> None:
    mine.keeps(sign(Checkpoint(MINE, mine.size() + 5, b"\x02" * 32).text, mine.keys().log))


def kept_fork(mine: Attacker) -> None:
    mine.keeps(sign(Checkpoint(MINE, mine.size(), b"\x02" * 32).text, mine.keys().log))


# --- epochs --------------------------------------------------------------------------------------------------
def left_out_of_the_index(mine: Attacker) -> None:
    """The newest epoch's index has one entry less of the label that has most."""
    number = mine.last_epoch
    size, leaf = mine.epoch(number)
    entries: dict[bytes, list[int]] = {}
    query = "SELECT label, idx FROM line WHERE shard = ? AND idx < ? ORDER BY idx"
    for label, idx in mine.database.execute(query, (mine.shard(), size)):
        entries.setdefault(label, []).append(idx)
    max(entries.values(), key=len).pop()
    said = OutputLeaf.parse(leaf)
    mine.sets_epoch(number, output_leaf(number + 1, Index.of(entries), said.log, stamp(said.time)))
    mine.file(f"{MINE}/index").unlink()


def old_index_for_a_new_head(mine: Attacker) -> None:
    """The newest epoch's leaf with the first one's index."""
    number = mine.last_epoch
    first, last = OutputLeaf.parse(mine.epoch(0)[1]), OutputLeaf.parse(mine.epoch(number)[1])
    new = mine.epoch(number)[1].decode().replace(encode64(last.index_root), encode64(first.index_root))
    said = f'"index_size":{last.index_size}', f'"index_size":{first.index_size}'
    mine.sets_epoch(number, new.replace(*said).encode())
    mine.file(f"{MINE}/index").unlink()


def epochs_swapped(mine: Attacker) -> None:
    first, last = mine.epoch(0)[1], mine.epoch(mine.last_epoch)[1]
    mine.sets_epoch(0, last)
    mine.sets_epoch(mine.last_epoch, first)


def epoch_repeated(mine: Attacker) -> None:
    size, leaf = mine.epoch(mine.last_epoch)
    mine.run("INSERT INTO epoch VALUES (?, ?, ?, ?)", mine.shard(), mine.last_epoch + 1, size, leaf)
