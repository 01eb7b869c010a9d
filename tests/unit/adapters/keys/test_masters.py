"""Where the master key comes from: a file, or a command that stands before a vault."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import keys
from adapters.clock import SystemIds
from adapters.keys import FileKeys, MasterSource, files, house
from adapters.keys.making import master_text
from adapters.keys.rotating import KeySteps
from gateway.errors import ConfigurationFault, Fault, JournalUnavailable

NAME = "musterstadt.example"
ONE, TWO = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A home's keys; a vault stands beside them, and the master key is in that alone."""
    directory = tmp_path / "keys"
    keys.create(directory, SystemIds(), NAME)
    (directory / keys.MASTER).unlink()
    return directory


def vault(directory: Path, script: str) -> tuple[str, ...]:
    """Out: a command that runs this shell script."""
    path = directory.parent / f"vault-{len(list(directory.parent.iterdir()))}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return (str(path),)


def prints(directory: Path, master: bytes) -> tuple[str, ...]:
    return vault(directory, f"echo {shlex.quote(master_text(master).strip())}")


def opened(directory: Path, command: tuple[str, ...], **more: object) -> FileKeys:
    parts: dict[str, object] = {"file": directory / keys.MASTER, "command": command, **more}
    return FileKeys.open(directory, lambda: MasterSource(**parts))  # type: ignore[arg-type]


def refused(directory: Path, command: tuple[str, ...], **more: object) -> str:
    """Out: what is wrong; the mistake is the setting's, and has its mend."""
    with pytest.raises(ConfigurationFault) as caught:
        opened(directory, command, **more)
    (problem,) = caught.value.problems
    assert (problem.file, problem.key) == ("einmal.toml", "keys.master_command")
    assert problem.mend
    return problem.wrong


def test_a_command_s_key_is_the_one_in_use(directory: Path) -> None:
    """What is sealed under it opens with the same key from a file, and nothing of it is written down."""
    own = opened(directory, prints(directory, ONE))
    sealed = own.wrap(b"secret", "x|1")
    assert sorted(path.name for path in directory.iterdir()) == ["gateway.jwk", "identity.key"]
    (directory / keys.MASTER).write_text(master_text(ONE))
    (directory / keys.MASTER).chmod(0o600)
    assert FileKeys.open(directory).unwrap(sealed, "x|1") == b"secret"


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("echo geheim >&2; exit 3", "ended with 3"),
        ("echo geheim", "does not print 32 bytes in base64"),
        ("true", "does not print 32 bytes in base64"),
        ("kill -9 $$", "ended with -9"),
        ("cat", "does not print 32 bytes in base64"),
        ("printf '\\377\\377'", "does not print 32 bytes in base64"),
    ],
)
def test_a_command_that_fails_is_told_with_its_mend_and_without_its_words(
    directory: Path, capfd: pytest.CaptureFixture[str], script: str, wrong: str
) -> None:
    """Whatever it said may be the key itself. It gets no input to wait for."""
    command = vault(directory, script)
    assert refused(directory, command) == wrong
    assert "geheim" not in "".join(capfd.readouterr())


@dataclass(frozen=True, slots=True)
class Endless:
    """A command that would not end in anybody's time; but in twenty seconds, if nobody ends it before: so nobody waits
    for ever where it should have been ended."""

    command: tuple[str, ...]
    ended_by_itself: Path

    @classmethod
    def made(cls, folder: Path, does: str) -> Endless:
        """In: Python that it goes on with."""
        note = folder / "ended-by-itself"
        script = (
            "import os, signal, sys\n"
            f"signal.signal(signal.SIGALRM, lambda *_: (open({str(note)!r}, 'x').close(), os._exit(1)))\n"
            f"signal.alarm(20)\n{does}\n"
        )
        return cls((sys.executable, "-S", "-c", script), note)


@pytest.mark.parametrize(
    "does",
    [
        "signal.pause()",
        "os.close(1)\nsignal.pause()",
        "import select\nwhile True:\n os.write(1, b'A')\n select.select([], [], [], 0.05)",
    ],
    ids=["silent", "its words are over", "a byte now and then"],
)
def test_a_command_that_hangs_is_ended(directory: Path, does: str) -> None:
    """Its time is a setting, and that for all it says: closing its output is not ending, and no byte gives it more."""
    endless = Endless.made(directory.parent, does)
    assert refused(directory, endless.command, seconds=0.5) == "did not end within 0.5 seconds"
    assert not endless.ended_by_itself.exists()


def test_a_command_that_is_not_there_is_told(directory: Path) -> None:
    """And no shell looks for anything else that it could mean."""
    assert refused(directory, ("/nowhere/vault",)) == "can't be run (FileNotFoundError)"
    assert refused(directory, (f"{prints(directory, ONE)[0]} x; true",)) == "can't be run (FileNotFoundError)"


def test_a_vault_that_prints_another_key_changes_nothing_by_itself(directory: Path) -> None:
    """While the former one can be had, it stays the one in use until the rotation; without it nothing opens."""
    sealed = opened(directory, prints(directory, ONE)).wrap(b"secret", "x|1")
    (directory / "master.id").write_text(f"{sealed[1:5].hex()}\n")
    (directory / "master.id").chmod(0o600)
    one, two = prints(directory, ONE), prints(directory, TWO)
    both = opened(directory, two, former_command=one)
    assert both.unwrap(sealed, "x|1") == b"secret"
    assert both.wrap(b"more", "x|2")[:5] == sealed[:5]
    assert "is in use" in refused(directory, two)


def test_a_key_file_that_is_still_there_stays_in_use_until_the_rotation(directory: Path) -> None:
    """A home that goes over to a vault: every process goes over at the same time."""
    (directory / keys.MASTER).write_text(master_text(ONE))
    (directory / keys.MASTER).chmod(0o600)
    before = FileKeys.open(directory)
    after = opened(directory, prints(directory, TWO))
    assert before.unwrap(after.wrap(b"secret", "x|1"), "x|1") == b"secret"


def test_another_house_s_command_opens_nothing(directory: Path) -> None:
    """It is a fault of ours, and can't be cured by waiting."""
    sealed = opened(directory, prints(directory, ONE)).wrap(b"secret", "x|1")
    with pytest.raises(Fault) as caught:
        opened(directory, prints(directory, TWO)).unwrap(sealed, "x|1")
    assert (caught.value.where, caught.value.curable) == ("keys", False)


def test_a_command_that_prints_without_end_is_killed(directory: Path) -> None:
    """At the first byte more than a key can need; what it printed is not kept, and what it would print is not read."""
    endless = Endless.made(directory.parent, "for _ in range(2_000): os.write(1, b'A' * 512)\nsignal.pause()")
    assert refused(directory, endless.command) == "prints more than 4096 bytes"
    assert not endless.ended_by_itself.exists()
    many = f"yes '' | head -c 4051; {shlex.join(('echo', master_text(ONE).strip()))}"
    assert opened(directory, vault(directory, many)).masters.key == ONE
    assert refused(directory, vault(directory, f"echo; {many}")) == "prints more than 4096 bytes"


def _slow(directory: Path, master: bytes) -> tuple[tuple[str, ...], Path]:
    """Out: a command that prints the key at once the first time, and from then on when `gate` is written to."""
    gate, been = directory.parent / "gate", directory.parent / "been"
    os.mkfifo(gate)
    word = shlex.quote(master_text(master).strip())
    script = (
        f"if [ -e {been} ]; then read word <{gate}; [ $word = go ] || exit 1; fi; touch {been}; echo {word}"
    )
    return vault(directory, script), gate


def test_nobody_waits_for_a_vault(directory: Path) -> None:
    """While it thinks, what is sealed and signed is sealed and signed with the keys before; then with the new ones."""
    command, gate = _slow(directory, ONE)
    own = opened(directory, command)
    before = own.gateway.kid
    with files.alone(directory):
        steps = KeySteps(FileKeys.open(directory, lambda: MasterSource(_file(directory), ())), SystemIds())
        change = steps.next_gateway()
        steps.switch_gateway(datetime(2026, 11, 22, tzinfo=UTC))
    sealed = own.wrap(b"secret", "x|1")
    assert (own.gateway.kid, own.unwrap(sealed, "x|1")) == (before, b"secret")
    with pytest.raises(JournalUnavailable):
        own.find(change.new)
    with pytest.raises(JournalUnavailable):
        own.unwrap(b"\x02" + b"\x99" * 40, "x|1")
    gate.write_text("go\n")
    _ended()
    assert own.gateway.kid == change.new
    assert own.find("nobody") is None


def test_a_vault_that_fails_later_stops_the_journal_until_it_answers(directory: Path) -> None:
    """Nothing is sealed under a key of which nobody knows whether it is still in use."""
    command, gate = _slow(directory, ONE)
    own = opened(directory, command)
    files.changed(directory)
    assert own.wrap(b"secret", "x|1")
    gate.write_text("no\n")
    _ended()
    with pytest.raises(JournalUnavailable) as caught:
        own.wrap(b"secret", "x|1")
    assert caught.value.where == "keyfiles (einmal.toml)"
    gate.write_text("go\n")
    _ended()
    assert own.wrap(b"secret", "x|1")


def test_who_is_behind_for_too_long_seals_nothing(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A former key is good for a minute: a vault that thinks for longer stops the journal until it answers."""
    monkeypatch.setattr(house, "MOST_SECONDS_BEHIND", -1)
    command, gate = _slow(directory, ONE)
    own = opened(directory, command)
    files.changed(directory)
    with pytest.raises(JournalUnavailable) as caught:
        own.wrap(b"secret", "x|1")
    assert caught.value.where == "keyfiles (being read)"
    gate.write_text("go\n")
    _ended()
    assert own.wrap(b"secret", "x|1")


def _file(directory: Path) -> Path:
    """Out: the same master key in a file elsewhere."""
    path = directory.parent / "elsewhere.key"
    path.write_text(master_text(ONE))
    path.chmod(0o600)
    return path


def _ended() -> None:
    """Wait for whoever is reading."""
    for thread in threading.enumerate():
        if thread.name == "keys-read":
            thread.join()
