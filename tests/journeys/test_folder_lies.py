"""Everything that can be wrong with a folder of tiles is found and named, by who has the leaves and by who has not.

A damaged or hostile folder is a finding: never an exception, never a cosignature.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import counted
import pytest
import town as towns
from dishonest import dishonest
from tiling import MONTH, audited, authority, copied, fill, misfits, publish, remembered, witnessed

from adapters.folder import TileFolder
from gateway.audit import tiles
from gateway.audit.note import Checkpoint, Signer, parse_checkpoint, sign, split
from gateway.audit.verify.published.folder import Unreadable, find_identity
from gateway.audit.verify.published.seen import State

NEWEST: Final = "musterstadt.example/24m/2026-11"
OTHER: Final = "musterstadt.example/12m/2026-11"


class Published:
    """A town's folder with 300 lines, what was seen of it when it had 250, and its secret keys to lie with."""

    def __init__(
        self, folder: Path, older: Path, authority: str, seen: State, keys: Mapping[str, Signer]
    ) -> None:
        self.folder, self.older, self.authority, self.seen, self.keys = folder, older, authority, seen, keys


@pytest.fixture(scope="module")
def published(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Out: an auditors' folder. Copy it before changing it."""
    base = tmp_path_factory.mktemp("published")
    shutil.copytree(founded, base / "home")

    async def make() -> Published:
        town = await towns.opened(base / "home")
        await fill(town, 250)
        await publish(town, base / "log")
        shutil.copytree(base / "log", base / "older")
        seen = remembered(base / "log", authority(town))
        await fill(town, 50)
        town.clock.passes(seconds=1)
        await publish(town, base / "log")
        keys = {
            name: signer
            for shard, _, _ in await town.opened.shards.headed()
            for name, signer in ((shard.origin, shard.keys.log), (f"{shard.origin}/index", shard.keys.index))
        }
        made = Published(base / "log", base / "older", authority(town), seen, keys)
        await town.opened.close()
        return made

    return asyncio.run(make())


def test_a_true_folder_has_nothing_wrong(published: Published) -> None:
    """Both see nothing, with and without what was seen before."""
    for state in (None, published.seen):
        assert not misfits(audited(published.folder, published.authority, state))
        assert not witnessed(published.folder, published.authority, state)


# --- damage, file by file -----------------------------------------------------------------------------------------
def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\x00")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_away(path: Path) -> None:
    """A link to the very same bytes, outside."""
    away = path.parent / "away"
    path.rename(away)
    path.symlink_to(away)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 34)


def not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe" + os.urandom(40))


DAMAGE: Final[list[Callable[[Path], None]]] = [
    flip, cut, lengthen, Path.unlink, replace_by_folder, link_away, pipe, huge, not_text,
]  # fmt: skip
UNNEEDED: Final = {f"{OTHER}/index/leaves", f"{NEWEST}/index/leaves"}
"""Read only where an index differs, to name the label."""


def superseded(path: Path) -> bool:
    """Out: whether it is the part of a tile of which there is a larger part."""
    parts = [int(other.name) for other in path.parent.iterdir()] if path.parent.suffix == ".p" else []
    return any(width > int(path.name) for width in parts)


@pytest.mark.parametrize("damage", DAMAGE)
def test_every_damaged_file_is_found_in_its_shard(
    published: Published, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Any file of a shard, in any way: the shard is named, and is not agreed with; the public ones are found by a
    witness too."""
    paths = [path for path in sorted(published.folder.rglob("*")) if path.is_file() and "2026" in str(path)]
    names = [str(path.relative_to(published.folder)) for path in paths if not superseded(path)]
    assert len(names) > 20
    for number, name in enumerate(names):
        folder = copied(published.folder, tmp_path / str(number))
        damage(folder / name)
        found = audited(folder, published.authority)
        if name in UNNEEDED:
            assert not misfits(found)
            continue
        shard = NEWEST if name.startswith(NEWEST) else OTHER
        named = any(one.place.startswith(shard) for one in misfits(found))
        counted.count("folder battery", tampered=1, found=named, missed=not named)
        assert named, name
        assert not [one for one in found.shards if str(one.head.origin) == shard and found.agreed(one)], name
        if not any(secret in name for secret in ("entries", "leaves", "opening")):
            assert witnessed(folder, published.authority) or "/tile/" in name or "/index/" in name, name
        shutil.rmtree(folder)


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_the_identity_key_there_is_nothing_to_believe(
    published: Published, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The one file beside the shards."""
    folder = copied(published.folder, tmp_path / "log")
    damage(folder / "musterstadt.example/vkey")
    with pytest.raises(Unreadable):
        find_identity(TileFolder(folder), published.authority)


# --- lies, signed -------------------------------------------------------------------------------------------------
def signs(published: Published, folder: Path, name: str, size: int, root: bytes) -> None:
    """The operator signs another head."""
    place = folder / name / "checkpoint"
    place.write_text(sign(Checkpoint(name, size, root).text, published.keys[name]))


def head(folder: Path, name: str) -> Checkpoint:
    return parse_checkpoint(split((folder / name / "checkpoint").read_text())[0])


def older(published: Published, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(published.older, folder)


def another_root(published: Published, folder: Path) -> None:
    signs(published, folder, NEWEST, head(folder, NEWEST).size, b"\x01" * 32)


def another_output(published: Published, folder: Path) -> None:
    signs(published, folder, f"{NEWEST}/index", 2, b"\x01" * 32)


def larger(published: Published, folder: Path) -> None:
    signs(published, folder, NEWEST, 1 << 60, head(folder, NEWEST).root)


def foreign_key(published: Published, folder: Path) -> None:
    stranger = Signer.from_seed(NEWEST, b"\x05" * 32)
    place = folder / NEWEST / "checkpoint"
    place.write_text(sign(split(place.read_text())[0], stranger))


def other_shards_head(published: Published, folder: Path) -> None:
    shutil.copy(folder / OTHER / "checkpoint", folder / NEWEST / "checkpoint")


def other_shards_keys(published: Published, folder: Path) -> None:
    shutil.copy(folder / OTHER / "keys", folder / NEWEST / "keys")


def other_shards_opening(published: Published, folder: Path) -> None:
    shutil.copy(folder / OTHER / "opening.json", folder / NEWEST / "opening.json")


def forged_opening(published: Published, folder: Path) -> None:
    """Leaf 0 is said to name fewer classes, so that nobody misses one."""
    place = folder / NEWEST / "opening.json"
    salt, event = tiles.parse_opening(place.read_bytes())
    place.write_bytes(tiles.opening(salt, event.replace(b'["12m","24m"]', b'["24m"]')))


def renamed(published: Published, folder: Path) -> None:
    (folder / NEWEST).rename(folder / "musterstadt.example/24m/2026-10")


def swapped_leaves(published: Published, folder: Path) -> None:
    place = folder / NEWEST / "tile/entries/000"
    leaves = tiles.parse_bundle(place.read_bytes(), 256)
    leaves[7], leaves[8] = leaves[8], leaves[7]
    place.write_bytes(tiles.bundle(leaves))


def dropped_leaf(published: Published, folder: Path) -> None:
    place = folder / NEWEST / "tile/entries/000"
    place.write_bytes(tiles.bundle(tiles.parse_bundle(place.read_bytes(), 256)[:-1]))


def class_left_out(published: Published, folder: Path) -> None:
    shutil.rmtree(folder / "musterstadt.example/12m")


LIES: Final[dict[Callable[[Published, Path], None], str]] = {
    older: "it shrank",
    another_root: "its entries are not those of its checkpoint",
    another_output: "its entries are not those of its checkpoint",
    larger: "is missing",
    foreign_key: "signed by none of the keys",
    other_shards_head: "signed by none of the keys",
    other_shards_keys: "of another shard",
    other_shards_opening: "leaf 0 names other keys",
    forged_opening: "it does not open leaf 0",
    renamed: "of another shard",
    swapped_leaves: "its entries are not those of its checkpoint",
    dropped_leaf: "not an entry bundle",
    class_left_out: "is gone",
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_every_lie_is_named(
    published: Published, tmp_path: Path, lie: Callable[[Published, Path], None]
) -> None:
    """By who has seen the log before, in words that say what it is."""
    folder = copied(published.folder, tmp_path / "log")
    lie(published, folder)
    seen = remembered(published.folder, published.authority) if lie is older else published.seen
    found = misfits(audited(folder, published.authority, seen))
    named = any(LIES[lie] in one.text for one in found)
    counted.count("folder battery", tampered=1, found=named, missed=not named)
    assert named, found


def test_a_class_left_out_is_named_to_who_never_saw_it(published: Published, tmp_path: Path) -> None:
    """Leaf 0 names every class."""
    folder = copied(published.folder, tmp_path / "log")
    class_left_out(published, folder)
    (misfit,) = misfits(audited(folder, published.authority))
    assert "no shard of the class 12m" in misfit.text
    assert not any(
        found.agreed(one) for found in (audited(folder, published.authority),) for one in found.shards
    )


def test_what_is_gone_in_its_time_is_no_finding(published: Published, tmp_path: Path) -> None:
    """A shard whose last line was due may be missing, or have no leaves; a month earlier it may not."""
    folder = copied(published.folder, tmp_path / "log")
    shutil.rmtree(folder / "musterstadt.example/12m")
    for month, names in (((2027, 11), 1), ((2027, 12), 0)):
        found = audited(folder, published.authority, published.seen, month)
        assert len([one for one in found.misfits if one.text == "it was seen before, and is gone"]) == names
        assert len(witnessed(folder, published.authority, published.seen, month)) == names
    (folder / NEWEST / "opening.json").unlink()
    assert audited(folder, published.authority, None, (2028, 12)).destroyed == (NEWEST,)
    assert not audited(folder, published.authority, None, MONTH).destroyed


async def test_a_fork_is_named_by_both(founded: Path, tmp_path: Path) -> None:
    """One home, two copies that go on differently: each alone is in order, together they are two histories."""
    folders, seen, key = [], None, ""
    for number in range(2):
        town = await towns.opened(shutil.copytree(founded, tmp_path / f"home-{number}"))
        await fill(town, 30 + 5 * number, people=3 + number)
        await publish(town, tmp_path / f"log-{number}")
        key = authority(town)
        await town.opened.close()
        folders.append(tmp_path / f"log-{number}")
        assert not misfits(audited(folders[-1], key))
    seen = remembered(folders[0], key)
    for found in (misfits(audited(folders[1], key, seen)), witnessed(folders[1], key, seen)):
        assert [one.text for one in found if "it forked" in one.text]


async def test_an_index_without_its_rows_is_still_not_agreed_with(founded: Path, tmp_path: Path) -> None:
    """A lie whose labels can't be named is a lie: the missing file is named with it."""
    town = await towns.opened(shutil.copytree(founded, tmp_path / "home"))
    epochs, _ = dishonest(town, (NEWEST, 1))
    await publish(town, tmp_path / "log", epochs)
    (tmp_path / "log" / NEWEST / "index/leaves").unlink()
    texts = [one.text for one in misfits(audited(tmp_path / "log", authority(town)))]
    assert len(texts) == 2
    assert "its index is not that of" in texts[0]
    assert "is missing: which label differs" in texts[1]
    await town.opened.close()
