"""Auditor, witness and operator by their commands, on what the demo left: nobody needs more than their own files."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from commands import Einmal, Ended

from adapters.keys.cosigner import read_cosigner
from adapters.statefile import StateFile
from gateway.audit.note import KeyType, parse_vkey
from gateway.audit.tiles import COSIGNED


@pytest.fixture
def log(played: Path, tmp_path: Path) -> Path:
    """Out: the auditor's folder of the demo, the test's own."""
    return shutil.copytree(played / "auditor/log", tmp_path / "log")


@pytest.fixture
def fingerprint(einmal: Einmal, home: Path) -> str:
    """Out: the one the town has published."""
    return str(einmal("keys", "list", "--home", home, "--json").json["fingerprint"])


@pytest.fixture
def key(einmal: Einmal, tmp_path: Path) -> Path:
    """Out: an auditor's key that was just made."""
    file = tmp_path / "auditor.key"
    assert einmal("keys", "new", file, "--kid", "dsb.example/einmal", "--auditor").code == 0
    return file


def names(home: Path, role: str, name: str, vkey: str) -> None:
    """The town names somebody in its settings."""
    with (home / "einmal.toml").open("a") as settings:
        settings.write(f'\n[[log.{role}]]\nname = "{name}"\nvkey = "{vkey}"\n')


class TestKeys:
    def test_a_cosigners_key_is_of_its_own_kind(self, einmal: Einmal, tmp_path: Path) -> None:
        """Secret in the file, the vkey of type 04 on the screen; a file is never overwritten."""
        file = tmp_path / "a.key"
        made = einmal("keys", "new", file, "--kid", "dsb.example/einmal", "--auditor", "--json").json
        verifier = parse_vkey(made["vkey"])
        assert (verifier.name, verifier.type) == ("dsb.example/einmal", KeyType.COSIGNATURE_V1)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert einmal("keys", "new", file, "--kid", "dsb.example/einmal", "--auditor").code == 3

    def test_a_name_that_is_none_is_told(self, einmal: Einmal, tmp_path: Path) -> None:
        """No space, no plus: nothing is written."""
        ended = einmal("keys", "new", tmp_path / "a.key", "--kid", "Die DSB", "--auditor")
        assert ended.code == 2
        assert not (tmp_path / "a.key").exists()

    def test_another_kind_of_key_does_not_cosign(
        self, einmal: Einmal, home: Path, log: Path, fingerprint: str, tmp_path: Path
    ) -> None:
        """The town's own identity key, a signatory's, one that others could read: refused, with the mend."""
        einmal("keys", "new", tmp_path / "person.jwk", "--kid", "somebody")
        einmal("keys", "new", tmp_path / "open.key", "--kid", "dsb.example", "--auditor")
        (tmp_path / "open.key").chmod(0o644)
        for file in (
            home / "keys/identity.key",
            tmp_path / "person.jwk",
            tmp_path / "open.key",
            tmp_path / "no",
        ):
            ended = einmal(
                "log",
                "audit-index",
                log,
                "--authority",
                fingerprint,
                "--key",
                file,
                "--state",
                tmp_path / "s",
            )
            assert ended.code == 3, file
            assert file.name in ended.err


class TestAuditor:
    def test_the_demos_index_is_agreed_with_again_by_anybody(
        self, einmal: Einmal, log: Path, fingerprint: str
    ) -> None:
        """Without a key: checked, and nothing cosigned."""
        ended = einmal("log", "audit-index", log, "--authority", fingerprint, "--json")
        assert (ended.code, ended.json["agrees"]) == (0, True)
        assert [one["agrees"] for one in ended.json["shards"]] == [True, True]
        assert {one["cosigned"] for one in ended.json["shards"]} == {None}
        said = einmal("log", "audit-index", log, "--authority", fingerprint)
        assert "the index agrees" in said.out
        assert "Nothing was cosigned" in said.out

    def test_from_the_auditors_desk_to_the_citizens_check(
        self, einmal: Einmal, home: Path, log: Path, fingerprint: str, key: Path, person: Path, tmp_path: Path
    ) -> None:
        """Audit and cosign; the town keeps it; an export as of then; who trusts the auditor reads who checked."""
        fresh, out = tmp_path / "fresh", tmp_path / "out"
        assert einmal("log", "tiles", fresh, "--auditor", "--home", home).code == 0
        done = einmal(
            "log", "audit-index", fresh, "--authority", fingerprint, "--key", key, "--state", tmp_path / "s",
            "--first", "--out", out, "--json",
        )  # fmt: skip
        assert done.code == 0
        files = [one["cosigned"] for one in done.json["shards"]]
        assert all(Path(file).is_relative_to(out) for file in files)
        unknown = einmal("log", "cosigned", *files, "--home", home)
        assert unknown.code == 1
        assert "NOT kept: signed by none of the keys asked for" in unknown.out
        vkey = vkey_of(key)
        names(home, "auditor", "DSB", vkey)
        kept = einmal("log", "cosigned", *files, "--home", home)
        assert (kept.code, kept.out.count("cosigned by dsb.example/einmal: kept")) == (0, 2)
        zip_ = tmp_path / "anna.zip"
        made = einmal(
            "citizen", "export", "--checked", "--out", zip_, "--subject-file", person, "--home", home
        )
        assert made.code == 0
        verified = einmal("citizen", "verify", zip_, "--authority", fingerprint, "--auditor", vkey, "--json")
        assert (verified.code, verified.json["outcome"]) == (0, "complete-checked")
        assert verified.json["auditors"] == ["dsb.example/einmal"]

    def test_what_was_seen_is_remembered(
        self, einmal: Einmal, home: Path, log: Path, fingerprint: str, tmp_path: Path
    ) -> None:
        """A folder that is behind what was seen is refused and named, by both commands, and stays seen."""
        fresh = tmp_path / "fresh"
        assert einmal("log", "tiles", fresh, "--auditor", "--home", home).code == 0
        for command in ("audit-index", "cosign"):
            state = tmp_path / f"{command}.json"
            for folder, code, more in (
                (log, 0, ["--first"]),
                (fresh, 0, []),
                (log, 1, []),
                (fresh, 0, []),
                (fresh, 3, ["--first"]),
            ):
                ended = einmal("log", command, folder, "--authority", fingerprint, "--state", state, *more)
                assert ended.code == code, (command, folder)
            ended = einmal("log", command, log, "--authority", fingerprint, "--state", state)
            assert "it shrank" in ended.out

    def test_who_cosigns_must_remember(self, einmal: Einmal, log: Path, fingerprint: str, key: Path) -> None:
        """A key without a state is wrong usage; so is an authority that is no key."""
        ended = einmal("log", "audit-index", log, "--authority", fingerprint, "--key", key)
        assert (ended.code, "--state" in ended.err) == (2, True)
        assert einmal("log", "audit-index", log, "--authority", "Musterstadt").code == 2

    def test_a_memory_is_not_begun_by_a_slip(
        self, einmal: Einmal, log: Path, fingerprint: str, key: Path, tmp_path: Path
    ) -> None:
        """A path with nothing there: refused, nothing made, nothing signed. It is made with the key, or by word."""
        ended: Ended
        for command in ("audit-index", "cosign"):
            asked = ("log", command, log, "--authority", fingerprint, "--key", key, "--out", tmp_path / "out")
            ended = einmal(*asked, "--state", tmp_path / "slip.json")
            assert (ended.code, "--first" in ended.err) == (3, True)
            assert not list(tmp_path.glob("*slip*")) + list(tmp_path.glob("out"))
        for more in ((), ("--first",)):
            again = ("log", "audit-index", log, "--authority", fingerprint, "--key", key)
            ended = einmal(*again, "--state", key.with_suffix(".seen"), *more)
            assert ended.code == (3 if more else 0)
        assert einmal("log", "cosign", log, "--authority", fingerprint, "--first").code == 2

    def test_a_memory_is_not_forgotten_beside_its_key(
        self, einmal: Einmal, log: Path, fingerprint: str, key: Path, tmp_path: Path
    ) -> None:
        """Once something was seen under a key, another memory of that log is not begun for it: refused, nothing made or
        signed. A memory of another log, or none, is in nobody's way."""
        seen, elsewhere = key.with_suffix(".seen"), tmp_path / "elsewhere.json"
        asked = ("--authority", fingerprint, "--key", key, "--out", tmp_path / "out")
        assert einmal("log", "audit-index", log, *asked, "--state", seen).code == 0
        shutil.rmtree(tmp_path / "out")
        for command in ("audit-index", "cosign"):
            ended = einmal("log", command, log, *asked, "--state", elsewhere, "--first")
            assert ended.code == 3
            assert f"--state {seen}" in " ".join(ended.err.split())
            assert not elsewhere.exists()
            assert not (tmp_path / "out").exists()
        seen.write_text("of nobody's log", "utf-8")
        assert einmal("log", "audit-index", log, *asked, "--state", elsewhere, "--first").code == 0

    def test_a_key_does_not_take_over_a_memory(self, einmal: Einmal, key: Path) -> None:
        """What another key has seen lies beside it: no key is made there."""
        key.unlink()
        again = einmal("keys", "new", key, "--kid", "dsb.example/einmal", "--auditor")
        assert (again.code, "auditor.seen" in again.err, key.exists()) == (3, True, False)

    def test_one_memory_is_used_by_one_at_a_time(
        self, einmal: Einmal, log: Path, fingerprint: str, key: Path, tmp_path: Path
    ) -> None:
        """Two at once could cosign two histories: the second cosigns nothing until the first is done."""
        state, out = key.with_suffix(".seen"), tmp_path / "out"
        cosigning = ("--key", key, "--state", state, "--out", out)
        asked = ("log", "audit-index", log, "--authority", fingerprint, *cosigning)
        with StateFile(state).locked():
            second = einmal(*asked)
        assert second.code == 3
        assert "is being used by another process" in " ".join(second.err.split())
        assert not out.exists()
        assert einmal(*asked).code == 0
        assert list(out.rglob(COSIGNED))

    def test_a_folder_of_another_authority_is_no(self, einmal: Einmal, log: Path, tmp_path: Path) -> None:
        """Another fingerprint, an empty folder: the honest answer is no."""
        for folder in (log, tmp_path):
            ended = einmal("log", "audit-index", folder, "--authority", "0" * 64)
            assert ended.code == 1
            assert "no log of the authority with that key" in ended.err

    @pytest.mark.parametrize("command", ["audit-index", "cosign"])
    def test_a_folder_that_is_not_there_is_told(self, command: str, einmal: Einmal, tmp_path: Path) -> None:
        """Nothing was looked for in it; a file is no folder either."""
        (tmp_path / "file").touch()
        for folder in (tmp_path / "nothing", tmp_path / "file"):
            ended = einmal("log", command, folder, "--authority", "0" * 64)
            assert (ended.code, ended.err) == (3, f"{folder}: There is no such folder here.\n")

    def test_a_state_that_is_none_is_not_begun_anew(
        self, einmal: Einmal, log: Path, fingerprint: str, tmp_path: Path
    ) -> None:
        """A damaged memory is told, and left as it is."""
        (tmp_path / "s").write_text("{}")
        (tmp_path / "s").chmod(0o600)
        ended = einmal("log", "cosign", log, "--authority", fingerprint, "--state", tmp_path / "s")
        assert ended.code == 3
        assert "know nothing of what was seen" in ended.err
        assert (tmp_path / "s").read_text() == "{}"


class TestWitness:
    def test_a_witness_needs_the_public_files_alone(
        self, einmal: Einmal, played: Path, home: Path, fingerprint: str, key: Path, tmp_path: Path
    ) -> None:
        """It cosigns what continues, and the town keeps that for its exports."""
        public = shutil.copytree(played / "log", tmp_path / "public")
        done = einmal(
            "log",
            "cosign",
            public,
            "--authority",
            fingerprint,
            "--key",
            key,
            "--state",
            key.with_suffix(".seen"),
            "--json",
        )
        assert (done.code, done.json["holds"]) == (0, True)
        names(home, "witness", "Nachbarstadt", vkey_of(key))
        files = [one["cosigned"] for one in done.json["shards"]]
        kept = einmal("log", "cosigned", *files, "--home", home, "--json")
        assert (kept.code, {one["log"] for one in kept.json}) == (0, {"log"})


class TestOperator:
    def test_what_is_no_cosigned_checkpoint_is_told(self, einmal: Einmal, home: Path, tmp_path: Path) -> None:
        """Each file with what is wrong; a file that is not there is the environment's."""
        (tmp_path / "a").write_bytes(b"\xff")
        (tmp_path / "b").write_text("hello\n")
        ended = einmal("log", "cosigned", tmp_path / "a", tmp_path / "b", "--home", home)
        assert ended.code == 1
        assert ended.out.count("NOT kept") == 2
        assert einmal("log", "cosigned", tmp_path / "c", "--home", home).code == 3

    def test_what_is_no_file_in_the_folder_is_told(self, einmal: Einmal, home: Path, log: Path) -> None:
        """Something else in a file's place: its name and the mend, and nothing is overwritten."""
        note = next(log.glob("*/24m/*/checkpoint"))
        note.unlink()
        note.mkdir()
        ended = einmal("log", "tiles", log, "--home", home)
        assert ended.code == 3
        assert "/checkpoint: is no regular file. Take it away" in ended.err

    def test_a_folder_of_another_log_is_left_alone(
        self, einmal: Einmal, home: Path, log: Path, tmp_path: Path
    ) -> None:
        """Its checkpoint is another's: told with the mend, nothing written."""
        note = next(log.glob("*/24m/*/checkpoint"))
        note.write_text(note.read_text().replace("\n4", "\n5", 1))
        before = note.read_bytes()
        ended = einmal("log", "tiles", log, "--home", home)
        assert ended.code == 3
        assert "does not continue" in ended.err
        assert note.read_bytes() == before


def vkey_of(key: Path) -> str:
    """Out: the public side of a cosigner's key file."""
    return read_cosigner(key).cosigner.vkey
