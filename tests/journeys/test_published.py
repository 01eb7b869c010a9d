"""The log as a folder of tiles: whole under every checkpoint, only what is new written, whatever happens meanwhile."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tiling import (
    Breaking,
    Interrupted,
    audited,
    authority,
    copied,
    fill,
    misfits,
    publish,
    publisher,
    remembered,
    witnessed,
)
from town import Town

from adapters.folder import TileFolder
from gateway.audit import tiles, tree
from gateway.audit.note import open_checkpoint, open_note, parse_vkey
from gateway.audit.shard import KeyStatement
from gateway.audit.tiles import TileName
from gateway.audit.verify.published.seen import State
from gateway.errors import ConfigurationFault
from gateway.proving.publishing import Contradicted

NEWEST = "musterstadt.example/24m/2026-11"
SECRET = ("/tile/entries/", "/index/leaves", "/opening.json")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestFolder:
    async def test_a_stranger_finds_the_log_from_its_fingerprint_on(self, town: Town, tmp_path: Path) -> None:
        """Identity key, key statement, checkpoint, and tiles that have its root: formats only."""
        await fill(town, 300)
        await publish(town, tmp_path / "log", auditors=False)
        there = tmp_path / "log"
        identity = parse_vkey((there / "musterstadt.example/vkey").read_text().strip())
        assert identity.fingerprint == authority(town)
        keys = KeyStatement.parse(open_note((there / NEWEST / "keys").read_text(), [identity]).text)
        log, _ = open_checkpoint((there / NEWEST / "checkpoint").read_text(), keys.log)
        output, _ = open_checkpoint((there / NEWEST / "index/checkpoint").read_text(), keys.index)
        assert (log.size > 300, output.size) == (True, 1)
        for head, below in ((log, there / NEWEST), (output, there / NEWEST / "index")):
            nodes = tree.Nodes(
                lambda level, n, width, below=below: (below / TileName(level, n, width).path).read_bytes(),  # type: ignore[misc]
                head.size,
            )
            assert nodes.root() == head.root

    async def test_leaves_are_for_auditors_and_not_to_be_read_by_others(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Without the word there are none; with it they are 0600, and what is public is 0644."""
        await publish(town, tmp_path / "public", auditors=False)
        assert not [name for name in files(tmp_path / "public") if any(part in f"/{name}" for part in SECRET)]
        await publish(town, tmp_path / "log")
        modes = {
            f"/{name}": stat.S_IMODE((tmp_path / "log" / name).stat().st_mode)
            for name in files(tmp_path / "log")
        }
        secret = {name for name in modes if any(part in name for part in SECRET)}
        assert len(secret) == 8
        assert {modes[name] for name in secret} == {0o600}
        assert {modes[name] for name in modes if name not in secret} == {0o644}

    async def test_an_auditors_folder_stays_one(self, town: Town, tmp_path: Path) -> None:
        """Brought up to date without the word, its leaves are as well: no auditor finds a hole."""
        await publish(town, tmp_path / "log")
        await fill(town, 20)
        await publish(town, tmp_path / "log", auditors=False)
        assert not misfits(audited(tmp_path / "log", authority(town)))

    async def test_it_holds_no_name_no_number_and_no_event(self, town: Town, tmp_path: Path) -> None:
        """Of a person's lines there is a label and a commitment; only leaf 0 is opened."""
        await fill(town, 10)
        await publish(town, tmp_path / "log")
        whole = b"".join(files(tmp_path / "log").values())
        assert b"reg:melderegister" not in whole
        openings = [body for name, body in files(tmp_path / "log").items() if name.endswith("opening.json")]
        assert {json.loads(tiles.parse_opening(body)[1])["kind"] for body in openings} == {"shard.opened"}


class TestIncrement:
    async def test_only_what_is_new_is_written(self, town: Town, tmp_path: Path) -> None:
        """Full tiles once, checkpoints last; parts of tiles go when the tile is full; nothing else is touched."""
        await fill(town, 300)
        first = {one.origin: one for one in await publish(town, tmp_path / "log")}
        before = files(tmp_path / "log")
        assert first[NEWEST].files > 10
        again = {one.origin: one.files for one in await publish(town, tmp_path / "log")}
        assert set(again.values()) == {0}
        assert files(tmp_path / "log") == before
        await fill(town, 300)
        town.clock.passes(seconds=1)
        await publish(town, tmp_path / "log")
        after = files(tmp_path / "log")
        whole = [name for name in before if name.endswith(("/000", "/keys", "vkey", "opening.json"))]
        assert len(whole) == 7
        assert {name: after[name] for name in whole} == {name: before[name] for name in whole}
        gone = {name for name in before.keys() - after.keys() if NEWEST in name}
        assert {name.split(NEWEST)[1].rsplit("/", 1)[0] for name in gone} == {
            "/tile/0/001.p",
            "/tile/entries/001.p",
        }
        assert not misfits(audited(tmp_path / "log", authority(town), remembered_of(before, tmp_path, town)))

    async def test_what_was_taken_away_is_written_again(self, town: Town, tmp_path: Path) -> None:
        """Any file: the same bytes come back."""
        await fill(town, 300)
        await publish(town, tmp_path / "log")
        before = files(tmp_path / "log")
        for name in before:
            if name != ".lock":
                (tmp_path / "log" / name).unlink()
                await publish(town, tmp_path / "log")
                assert files(tmp_path / "log") == before, name

    async def test_a_month_that_ends_is_closed_in_the_folder_as_well(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Its closing head and its last epoch, and the next month's shards; one audit of both."""
        await fill(town, 10)
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        await fill(town, 5)
        town.clock.passes(days=20)
        found = await publish(town, tmp_path / "log")
        assert [one.origin.split("/", 1)[1] for one in found] == [
            "12m/2026-11", "12m/2026-12", "24m/2026-11", "24m/2026-12",
        ]  # fmt: skip
        assert not misfits(audited(tmp_path / "log", authority(town), seen, now=town.clock.now()))


def remembered_of(before: dict[str, bytes], tmp_path: Path, town: Town) -> State:
    """Out: what an auditor remembers who saw the folder as it was."""
    older = tmp_path / "older"
    for name, body in before.items():
        (older / name).parent.mkdir(parents=True, exist_ok=True)
        (older / name).write_bytes(body)
    return remembered(older, authority(town))


class TestInterrupted:
    @pytest.mark.parametrize("after", [False, True])
    async def test_a_run_that_ends_anywhere_leaves_a_folder_that_holds(
        self, town: Town, tmp_path: Path, after: bool
    ) -> None:
        """Before or after any change of the folder: who reads it finds all that its checkpoints cover, continuing
        what was there; the next run completes it."""
        await fill(town, 250)
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        await fill(town, 20)
        town.clock.passes(seconds=1)
        changes, done = 0, False
        while not done:
            folder = copied(tmp_path / "log", tmp_path / f"log-{changes}")
            try:
                await publisher(town, Breaking(folder, changes, after=after)).publish(town.clock.now(), True)
                done = True
            except Interrupted:
                assert not witnessed(folder, authority(town), seen), changes
                assert not misfits(audited(folder, authority(town), seen)), changes
            await publish(town, folder)
            assert not misfits(audited(folder, authority(town), seen)), changes
            assert max(one.epochs for one in audited(folder, authority(town)).shards) == 2
            changes += 1
        assert changes > 12

    async def test_a_folder_that_was_begun_and_not_finished_is_finished(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Before there is any checkpoint nobody reads it; the next run makes it whole."""
        for changes in range(0, 20, 3):
            folder = tmp_path / f"log-{changes}"
            folder.mkdir()
            with pytest.raises(Interrupted):
                await publisher(town, Breaking(folder, changes, after=True)).publish(town.clock.now(), True)
            await publish(town, folder)
            assert not misfits(audited(folder, authority(town)))

    async def test_two_runs_at_once_are_one(self, tmp_path: Path) -> None:
        """The second is told so: an older checkpoint never replaces a newer one."""
        second = TileFolder(tmp_path / "log").locked()
        with TileFolder(tmp_path / "log").locked(), pytest.raises(ConfigurationFault) as wrong, second:
            pytest.fail("two writers")
        assert "another process" in wrong.value.problems[0].wrong


class TestContradiction:
    async def test_a_log_that_is_behind_its_folder_is_not_put_into_it(
        self, town: Town, tmp_path: Path
    ) -> None:
        """What was published is a promise: another log's checkpoint, one that is ahead or none is left as it is."""
        await fill(town, 30)
        await publish(town, tmp_path / "log")
        note = tmp_path / "log" / NEWEST / "checkpoint"
        right = note.read_text()
        origin, size, root, *rest = right.split("\n")
        other = "A" * 43 + "="
        for wrong in (
            "\n".join([origin, str(int(size) + 5), root, *rest]),
            "\n".join([origin, size, other, *rest]),
            "\n".join([origin, "3", other, *rest]),
            "nothing\n",
        ):
            note.write_text(wrong)
            town.clock.passes(seconds=1)
            with pytest.raises(Contradicted) as told:
                await publish(town, tmp_path / "log")
            assert told.value.origin == NEWEST
            assert note.read_text() == wrong
        note.write_text(right)
        town.clock.passes(seconds=1)
        await publish(town, tmp_path / "log")
        assert not misfits(audited(tmp_path / "log", authority(town)))
