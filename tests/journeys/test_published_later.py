"""The folder of tiles through the years: other keys, destroyed shards, a restore. What was published stays true."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
import town as towns
from sqlalchemy.engine import Connection
from tiling import audited, authority, fill, misfits, publish, remembered, witnessed
from town import Town

from adapters.folder import TileFolder
from adapters.storage.schema import LINE, SHARD
from gateway import assembly
from gateway.audit.shard import Origin
from gateway.audit.verify.published.folder import Unreadable, find_identity
from gateway.audit.verify.published.survey import Surveyed

CLOSED = "musterstadt.example/24m/2026-11"
DATABASE = "data/einmal.sqlite3"


def shards(found: Surveyed) -> Sequence[str]:
    return [str(one.head.origin).split("/", 1)[1] for one in found.shards]


class TestIdentity:
    async def test_who_knows_any_of_its_identity_keys_finds_the_whole_log(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Shards stated by the former key and by the new one, from either fingerprint; a stranger's is none."""
        await fill(town, 10)
        await publish(town, tmp_path / "log")
        before = authority(town)
        seen = remembered(tmp_path / "log", before)
        town.clock.passes(seconds=1)
        await town.opened.rotations().identity(town.clock.now())
        await publish(town, tmp_path / "log")
        assert authority(town) != before
        for known in (before, authority(town)):
            found = audited(tmp_path / "log", known, seen)
            assert not misfits(found)
            assert shards(found) == ["12m/2026-11", "12m/2026-11.2", "24m/2026-11", "24m/2026-11.2"]
        (tmp_path / "log/musterstadt.example/succession.json").write_text("[]\n")
        with pytest.raises(Unreadable):
            find_identity(TileFolder(tmp_path / "log"), before)
        assert [
            misfit for misfit in misfits(audited(tmp_path / "log", authority(town))) if "keys" in misfit.place
        ]

    async def test_who_stole_a_former_key_states_no_shard_with_it(
        self, founded: Path, tmp_path: Path
    ) -> None:
        """A shard stated by the former key after the new one; and a folder from which the new one's are missing."""
        root = shutil.copytree(founded, tmp_path / "home")
        shutil.copytree(root / "keys", tmp_path / "stolen")
        town = await towns.opened(root)
        await town.opened.rotations().identity(town.clock.now())
        await publish(town, tmp_path / "log")
        rotated = authority(town)
        await town.opened.close()
        shutil.copytree(tmp_path / "log/musterstadt.example", tmp_path / "true", copy_function=shutil.copy2)
        shutil.rmtree(root / "keys")
        shutil.copytree(tmp_path / "stolen", root / "keys")
        thief = await towns.opened(root, town.clock)
        await thief.opened.shards.renew("24m", thief.clock.now())
        thief.clock.passes(seconds=1)
        await publish(thief, tmp_path / "log")
        await thief.opened.close()
        for name in ("vkey", "succession.json"):
            shutil.copy(tmp_path / "true" / name, tmp_path / "log/musterstadt.example" / name)
        (misfit,) = misfits(audited(tmp_path / "log", rotated))
        assert misfit.place == f"{CLOSED}.3"
        assert "that another one had followed" in misfit.text
        for number in (2, 3):
            shutil.rmtree(tmp_path / f"log/{CLOSED}.{number}")
        (misfit,) = misfits(audited(tmp_path / "log", rotated))
        assert "stated by a former identity key: a shard may be missing" in misfit.text


class TestDestroyed:
    async def test_leaves_go_with_their_shard_and_the_public_side_stays(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Destroyed in the store, its leaves go from the auditors' folder; checkpoint and tiles still prove what was
        seen; in its time that is no finding."""
        await fill(town, 300)
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        town.clock.passes(days=20)
        await publish(town, tmp_path / "log")
        await town.opened.store.change(_destroyed, CLOSED)
        town.clock.passes(days=800)
        await publish(town, tmp_path / "log")
        month = (town.clock.now().year, town.clock.now().month)
        below = tmp_path / "log" / CLOSED
        assert not list(below.rglob("entries"))
        assert not (below / "index/leaves").exists()
        assert (below / "checkpoint").is_file()
        assert not witnessed(tmp_path / "log", authority(town), seen, month)
        found = audited(tmp_path / "log", authority(town), seen, month)
        assert found.destroyed == (CLOSED,)
        assert not misfits(found)
        assert misfits(audited(tmp_path / "log", authority(town), seen))


def _destroyed(connection: Connection, origin: str) -> None:
    """As the retention's run leaves it: neither keys nor lines but the first."""
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar_one()
    connection.execute(sa.update(SHARD).where(SHARD.c.id == shard).values(secrets=None))
    connection.execute(sa.delete(LINE).where(LINE.c.shard == shard, LINE.c.idx > 0))


class TestRestored:
    async def test_what_a_restore_lost_stays_in_the_folder_and_the_log_goes_on(
        self, founded: Path, tmp_path: Path
    ) -> None:
        """Published, then restored from before: the folder keeps what the store has lost, the new shards follow it,
        and all of it is agreed with."""
        root = shutil.copytree(founded, tmp_path / "home")
        town = await towns.opened(root)
        await publish(town, tmp_path / "log")
        await town.opened.close()
        with (
            closing(sqlite3.connect(root / DATABASE)) as source,
            closing(sqlite3.connect(tmp_path / "backup")) as target,
        ):
            source.backup(target)
        town = await towns.opened(root, town.clock)
        town.clock.passes(seconds=1)
        await fill(town, 20)
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        await town.opened.close()
        for suffix in ("-wal", "-shm"):
            (root / f"{DATABASE}{suffix}").unlink(missing_ok=True)
        shutil.copy(tmp_path / "backup", root / DATABASE)
        await assembly.restore(root, "disk failed", clock=town.clock)
        town = await towns.opened(root, town.clock)
        town.clock.passes(seconds=1)
        found = await publish(town, tmp_path / "log")
        assert [one.origin.split("/", 1)[1] for one in found][-1] == "24m/2026-11.2"
        after = audited(tmp_path / "log", authority(town), seen)
        assert not misfits(after)
        assert {Origin.parse(str(one.head.origin)).number for one in after.shards} == {1, 2}

        fresh = tmp_path / "fresh"  # begun after the loss: the hole is told, what came later is agreed with
        await publish(town, fresh)
        told = misfits(audited(fresh, authority(town)))
        assert len(told) >= 1
        assert {misfit.place for misfit in told} <= {CLOSED, CLOSED.replace("24m", "12m")}
        assert any("the rest is lost" in misfit.text for misfit in told)
        await town.opened.close()
