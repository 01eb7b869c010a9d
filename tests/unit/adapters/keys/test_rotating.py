"""The steps by which a key takes another's place, in files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters import keys
from adapters.clock import SystemIds
from adapters.keys import FileKeys, files
from adapters.keys.rotating import KeySteps
from gateway.audit.identity import follow
from gateway.audit.note import Signer, parse_vkey
from gateway.errors import ConfigurationFault, JournalUnavailable

NAME = "musterstadt.example"
NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A home's keys."""
    keys.create(tmp_path / "keys", SystemIds(), NAME)
    return tmp_path / "keys"


@pytest.fixture
def steps(directory: Path) -> KeySteps:
    """Who changes them."""
    return KeySteps(FileKeys.open(directory), SystemIds())


def test_every_change_gives_the_folder_another_time(directory: Path) -> None:
    """Its clock ticks a few hundred times a second; a rotation may be faster."""
    seen = set()
    for _ in range(100):
        files.changed(directory)
        seen.add(directory.stat().st_mtime_ns)
    assert len(seen) == 100


def test_a_key_that_a_process_knows_is_followed_into_its_end(directory: Path, steps: KeySteps) -> None:
    """Looked for by its name alone: it vouches for nothing that was signed a minute later."""
    other = FileKeys.open(directory)
    former = other.gateway.kid
    steps.next_gateway()
    steps.switch_gateway(NOW)
    found = other.find(former)
    assert found is not None
    assert NOW <= found.valid_to <= NOW + timedelta(minutes=1)


def test_a_process_that_is_not_told_follows(directory: Path, steps: KeySteps) -> None:
    """Each switch, with the next thing it seals, signs or looks for."""
    other = FileKeys.open(directory)
    for _ in range(10):
        change = steps.next_gateway()
        steps.switch_gateway(NOW)
        assert other.gateway.kid == change.new
        master = steps.next_master()
        assert master is not None
        steps.switch_master(master, NOW)
        assert other.wrap(b"", "x")[1:5].hex() == master.new
        steps.drop_former_masters()
        identity = steps.next_identity()
        steps.switch_identity()
        assert parse_vkey(other.identity_vkey).fingerprint == identity.new
        assert other.sign_as_authority("a\n") == other.sign_as_authority("a\n")
    assert len(other.identity.former) == 10
    assert len(other.gateways) == 11


def test_what_is_made_next_stays_until_it_is_used(steps: KeySteps) -> None:
    """A rotation that was broken off goes on with the same key."""
    assert steps.next_gateway() == steps.next_gateway()
    assert steps.next_identity() == steps.next_identity()
    assert steps.next_master() == steps.next_master()


def test_only_one_changes_the_keys_at_a_time(directory: Path, steps: KeySteps) -> None:
    """Another one is told so, and may when the first is done."""
    other = KeySteps(FileKeys.open(directory), SystemIds())
    with steps.alone():
        with pytest.raises(ConfigurationFault) as caught, other.alone():
            pass
        assert "another process" in caught.value.problems[0].wrong
    with other.alone():
        pass


def test_everything_left_is_its_owner_s_alone(directory: Path, steps: KeySteps) -> None:
    """Folders 0700, files 0600, parts none."""
    with steps.alone():
        steps.next_gateway()
        steps.switch_gateway(NOW)
        steps.next_identity()
        steps.switch_identity()
        master = steps.next_master()
        assert master is not None
        steps.switch_master(master, NOW)
    for path in directory.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
        assert path.suffix != ".part"


def test_the_former_secrets_are_gone_with_the_switch(directory: Path, steps: KeySteps) -> None:
    """Of gateway and identity only what is public stays; of the master its file, until it is dropped."""
    secrets = {name: (directory / name).read_text().strip() for name in (keys.IDENTITY, keys.MASTER)}
    secrets[keys.GATEWAY] = keys.read_key(directory / keys.GATEWAY).key.as_dict(private=True)["d"]  # type: ignore[assignment]
    steps.next_gateway()
    steps.switch_gateway(NOW)
    steps.next_identity()
    steps.switch_identity()
    master = steps.next_master()
    assert master is not None
    steps.switch_master(master, NOW)
    kept = "".join(path.read_text("utf-8") for path in directory.rglob("*") if path.is_file())
    assert {name for name, secret in secrets.items() if str(secret) in kept} == {keys.MASTER}
    [former] = steps.former_masters()
    assert (former.id, former.since, former.on_file) == (master.old, NOW, True)
    steps.drop_former_masters()
    kept = "".join(path.read_text("utf-8") for path in directory.rglob("*") if path.is_file())
    assert str(secrets[keys.MASTER]) not in kept


def test_keys_that_can_t_be_read_any_more_stop_the_journal(directory: Path, steps: KeySteps) -> None:
    """Nothing is sealed under a key that may be a former one; the delivery stays on the bus until they can be."""
    other = FileKeys.open(directory)
    (directory / keys.GATEWAY).rename(directory / "aside")
    files.changed(directory)
    with pytest.raises(JournalUnavailable) as caught:
        other.wrap(b"secret", "x")
    assert caught.value.where == "keyfiles (keys/gateway.jwk)"
    (directory / "aside").rename(directory / keys.GATEWAY)
    files.changed(directory)
    assert other.wrap(b"secret", "x")


def _other_note(directory: Path) -> str:
    thief = Signer.from_seed(NAME, b"\x66" * 32)
    return follow(thief, Signer.from_seed(NAME, b"\x67" * 32))


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("succession/a.note", "einmal/identity/v1\n", "does not say how a key was followed"),
        ("succession/a.note", None, "does not lead to identity.key"),
        ("gateway-former/a.jwk", "{}", "is not a public JWK with kid and until"),
        ("gateway-former/a.jwk", '{"kid": "a", "until": "2026-11-21T20:15:00"}', "is not a public JWK"),
    ],
)
def test_what_is_left_of_no_key_of_this_house_is_refused(
    directory: Path, steps: KeySteps, file: str, text: str | None, wrong: str
) -> None:
    """A foreign note of succession; a former key that is none, or has no end."""
    steps.next_identity()
    files.put(files.folder((directory / file).parent) / Path(file).name, text or _other_note(directory))
    with pytest.raises(ConfigurationFault) as caught:
        FileKeys.open(directory)
    [problem] = caught.value.problems
    assert wrong in problem.wrong
    assert problem.file.startswith("keys/")


def test_a_former_gateway_key_is_believed_until_its_end(directory: Path, steps: KeySteps) -> None:
    """And the one in use without one."""
    change = steps.next_gateway()
    steps.switch_gateway(NOW)
    own = FileKeys.open(directory)
    former, current = own.find(change.old), own.find(change.new)
    assert former is not None
    assert current is not None
    assert [former.valid_at(NOW + timedelta(seconds=at)) for at in (0, 1)] == [True, False]
    assert current.valid_at(NOW + timedelta(days=10_000))
    assert own.find("nobody") is None
