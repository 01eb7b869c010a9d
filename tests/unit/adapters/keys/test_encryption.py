"""The keys that consumers encrypt to, in files: made, followed, ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import keys
from adapters.clock import SystemIds
from adapters.keys import FileKeys
from adapters.keys.rotating import KeySteps
from gateway import jwe
from gateway.errors import ConfigurationFault

NAME = "musterstadt.example"
NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
YEAR, MONTH, SECOND = timedelta(days=365), timedelta(days=30), timedelta(seconds=1)


@pytest.fixture
def steps(tmp_path: Path) -> KeySteps:
    """Who changes the keys of a house that has none to encrypt to: an older version made it."""
    return KeySteps(keys.create(tmp_path / "keys", SystemIds(), NAME), SystemIds())


def rotate(steps: KeySteps, now: datetime = NOW) -> str:
    kid = steps.next_encryption(now, now + YEAR)
    steps.switch_encryption(now + MONTH)
    return kid


def opened(steps: KeySteps) -> FileKeys:
    return FileKeys.open(steps._directory)


def opens(house: FileKeys, token: bytes, now: datetime) -> bool:
    try:
        return jwe.decrypt(token, lambda kid: house.opening(kid, now), 100) == ("application/json", b"{}")
    except jwe.NotOpened:
        return False


def test_an_older_house_has_none_and_opens_nothing(steps: KeySteps) -> None:
    """It is not made by opening."""
    house = opened(steps)
    assert (house.encryption(NOW), house.encryption_keys) == ([], [])
    assert house.opening("encryption-1", NOW) is None


def test_what_is_encrypted_to_the_published_key_is_opened(steps: KeySteps) -> None:
    """From its first moment to its last, both included, and by no other process's keys."""
    kid = rotate(steps)
    house = opened(steps)
    (public,) = house.encryption(NOW)
    assert (public.kid, public.use) == (kid, "enc")
    token = jwe.encrypt(b"{}", "application/json", public)
    told = [opens(house, token, at) for at in (NOW - SECOND, NOW, NOW + YEAR, NOW + YEAR + SECOND)]
    assert told == [False, True, True, False]
    assert house.encryption(NOW - SECOND) == house.encryption(NOW + YEAR + SECOND) == []


def test_the_former_key_opens_until_its_end_and_no_longer(steps: KeySteps) -> None:
    """The new one is the first to be offered; a process that runs follows by itself."""
    house = opened(steps)
    old = rotate(steps)
    token = jwe.encrypt(b"{}", "application/json", house.encryption(NOW)[0])
    new = rotate(steps, NOW + SECOND)
    assert [key.kid for key in house.encryption(NOW + SECOND)] == [new, old]
    end = NOW + SECOND + MONTH
    assert opens(house, token, end)
    assert not opens(house, token, end + SECOND)
    assert [key.kid for key in house.encryption(end + SECOND)] == [new]


def test_an_overlap_makes_no_key_live_longer(steps: KeySteps) -> None:
    """One that ends before keeps its end."""
    steps.next_encryption(NOW, NOW + SECOND)
    steps.switch_encryption(NOW)
    old = opened(steps).encryption_keys[0]
    rotate(steps)
    kept = {key.kid: key.public.valid_to for key in opened(steps).encryption_keys}
    assert kept[old.kid] == NOW + SECOND


def test_a_key_whose_time_is_over_is_deleted_and_the_others_stay(steps: KeySteps) -> None:
    """With its file: nobody opens what was encrypted to it."""
    house = opened(steps)
    old, new = rotate(steps), rotate(steps, NOW + SECOND)
    end = NOW + SECOND + MONTH
    assert (steps.over(end), steps.over(end + SECOND)) == ([], [old])
    steps.drop_encryption([old])
    assert [key.kid for key in house.encryption_keys] == [new]
    assert [path.stem for path in (steps._directory / "encryption").iterdir()] == [new]


def test_a_rotation_that_was_broken_off_goes_on_with_the_same_key(steps: KeySteps) -> None:
    """Made once, used once."""
    first = steps.next_encryption(NOW, NOW + YEAR)
    assert steps.next_encryption(NOW + SECOND, NOW + YEAR) == first
    steps.switch_encryption(NOW + MONTH)
    assert steps.next_encryption(NOW, NOW + YEAR) != first


def test_files_and_folder_are_their_owner_s_alone(steps: KeySteps) -> None:
    """0700 and 0600; what others can reach is refused."""
    kid = rotate(steps)
    folder = steps._directory / "encryption"
    file = folder / f"{kid}.jwk"
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    file.chmod(0o640)
    with pytest.raises(ConfigurationFault, match=f"keys/encryption/{kid}.jwk.*can be reached by others"):
        opened(steps)


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "no end": lambda said: said.pop("not_after"),
    "a time without zone": lambda said: said.update(not_after="2027-01-01T00:00:00"),
    "no secret": lambda said: said.pop("d"),
    "another secret": lambda said: said.update(d=said["x"]),
    "a curve that signs": lambda said: said.update(crv="Ed25519"),
    "no name": lambda said: said.pop("kid"),
    "another name": lambda said: said.update(kid="../gateway"),
    "something more": lambda said: said.update(use="enc"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_file_that_is_none_is_refused(steps: KeySteps, spoil: Callable[[dict[str, Any]], object]) -> None:
    """With its place and mend; nothing secret is told."""
    file = steps._directory / "encryption" / f"{rotate(steps)}.jwk"
    said = json.loads(file.read_text())
    secret = said["d"]
    spoil(said)
    file.write_text(json.dumps(said))
    with pytest.raises(ConfigurationFault) as told:
        opened(steps)
    (problem,) = told.value.problems
    assert problem.file == f"keys/encryption/{file.name}"
    assert problem.mend
    assert secret not in str(told.value)


def test_a_consumer_s_pair_is_written_once_and_read_again(tmp_path: Path) -> None:
    """0600, named as asked, never overwritten; a signing key is none."""
    key, file = keys.new_encryption_key(SystemIds(), "kita-enc"), tmp_path / "kita.jwk"
    keys.write_opening_key(file, key)
    assert file.stat().st_mode & 0o777 == 0o600
    again = keys.read_opening_key(file)
    assert (again.kid, again.key.as_dict(private=True)) == ("kita-enc", key.key.as_dict(private=True))
    with pytest.raises(ConfigurationFault, match="exists already"):
        keys.write_opening_key(file, key)
    keys.write_key(tmp_path / "sig.jwk", keys.new_key(SystemIds(), "kita"))
    with pytest.raises(ConfigurationFault, match="is not a private JWK of X25519 or P-256"):
        keys.read_opening_key(tmp_path / "sig.jwk")
