"""The house's secrets in files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import keys
from adapters.clock import SystemIds
from adapters.keys import FileKeys
from gateway import jws
from gateway.audit import note
from gateway.errors import ConfigurationFault, Fault

NAME = "musterstadt.example"


class Counting:
    """Ids that are the same in every run."""

    def __init__(self) -> None:
        self._n = 0

    def new(self) -> str:
        return "00000000-0000-4000-8000-000000000000"

    def random(self, size: int) -> bytes:
        self._n += 1
        return hashlib.shake_256(bytes([self._n])).digest(size)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A home's keys."""
    keys.create(tmp_path / "keys", Counting(), NAME)
    return tmp_path / "keys"


def refused(directory: Path) -> str:
    """Out: what is wrong with the keys; the mistake is placed and has its mend."""
    with pytest.raises(ConfigurationFault) as caught:
        FileKeys.open(directory)
    (problem,) = caught.value.problems
    assert problem.mend
    return f"{problem.file}: {problem.wrong}"


def test_created_keys_are_their_owner_s_alone(directory: Path) -> None:
    """The folder 0700, its files 0600, nothing else in it."""
    assert directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert modes == {"master.key": 0o600, "identity.key": 0o600, "gateway.jwk": 0o600}


def test_opening_gives_what_was_created(directory: Path) -> None:
    """The same identity, gateway key and seal."""
    first, second = FileKeys.open(directory), FileKeys.open(directory)
    assert first.identity_vkey == second.identity_vkey
    assert first.gateway.kid == second.gateway.kid
    assert second.unwrap(first.wrap(b"reply", "exchange-1"), "exchange-1") == b"reply"
    assert jws.public_jwk(first.gateway) == jws.public_jwk(second.gateway)


def test_creating_never_overwrites(directory: Path) -> None:
    """Not even an empty folder, and a single key neither."""
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with pytest.raises(ConfigurationFault):
        keys.create(directory, SystemIds(), NAME)
    with pytest.raises(ConfigurationFault):
        keys.write_key(directory / keys.GATEWAY, keys.new_key(SystemIds()))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_name_that_no_note_can_carry_leaves_nothing_behind(tmp_path: Path) -> None:
    """A space or plus sign in the authority's name."""
    with pytest.raises(note.NoteInvalid):
        keys.create(tmp_path / "keys", SystemIds(), "Stadt Musterstadt")
    assert not (tmp_path / "keys").exists()


def test_the_authority_s_signature_opens_with_its_vkey(directory: Path) -> None:
    """A C2SP note, named after the authority."""
    opened = FileKeys.open(directory)
    verifier = note.parse_vkey(opened.identity_vkey)
    assert verifier.name == NAME
    signed = opened.sign_as_authority("einmal/keys/v1\n")
    assert note.open_note(signed, [verifier]).text == "einmal/keys/v1\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660, 0o700, 0o4600])
@pytest.mark.parametrize("name", ["master.key", "identity.key", "gateway.jwk"])
def test_a_file_that_others_can_reach_is_refused(directory: Path, name: str, mode: int) -> None:
    """Any bit beyond 0600, on any of them."""
    (directory / name).chmod(mode)
    assert refused(directory) == f"keys/{name}: can be reached by others"


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777, 0o1700])
def test_a_folder_that_others_can_enter_is_refused(directory: Path, mode: int) -> None:
    """Any bit beyond 0700."""
    directory.chmod(mode)
    assert refused(directory).endswith("can be reached by others")
    directory.chmod(0o700)


def test_a_narrower_mode_is_fine(directory: Path) -> None:
    """Read-only files, as a careful operator leaves them."""
    for path in directory.iterdir():
        path.chmod(0o400)
    assert FileKeys.open(directory).identity_vkey.startswith(NAME)


def _linked_file(directory: Path) -> None:
    target = directory.parent / "elsewhere"
    (directory / "master.key").rename(target)
    (directory / "master.key").symlink_to(target)


def _folder_for_file(directory: Path) -> None:
    (directory / "master.key").unlink()
    (directory / "master.key").mkdir(mode=0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        _linked_file,
        _folder_for_file,
        lambda d: (d / "master.key").unlink(),
        lambda d: (d / "master.key").write_text("AAAA\n"),
        lambda d: (d / "master.key").write_text("not base64"),
        lambda d: (d / "master.key").write_bytes(b"\xff" * 44),
        lambda d: (d / "master.key").write_text("A" * 20000),
        lambda d: (d / "identity.key").write_text("PRIVATE+KEY+a+00000000+AAAA\n"),
        lambda d: (d / "identity.key").write_text(""),
        lambda d: (d / "identity.key").write_text(
            (d / "identity.key").read_text().replace(NAME, "a.example")
        ),
        lambda d: (d / "gateway.jwk").write_text("[]"),
        lambda d: (d / "gateway.jwk").write_text("{"),
        lambda d: (d / "gateway.jwk").write_text('{"kid": "a"}'),
    ],
)
def test_what_is_no_key_file_is_refused(directory: Path, spoil: Callable[[Path], object]) -> None:
    """A link, a folder, a missing or malformed file, an identity renamed by hand."""
    spoil(directory)
    assert refused(directory).startswith("keys/")


def test_a_linked_folder_is_refused(directory: Path) -> None:
    """Also when what it leads to is in order."""
    link = directory.parent / "linked"
    link.symlink_to(directory)
    assert "link" in refused(link)
    assert "missing" in refused(directory.parent / "none")


def test_a_key_of_another_user_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns a file can change its mode."""
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    assert "belongs to another user" in refused(directory)


def test_no_refusal_quotes_a_secret(directory: Path) -> None:
    """Nor does any repr."""
    secret = (directory / "gateway.jwk").read_text()
    value = json.loads(secret)["d"]
    opened = FileKeys.open(directory)
    assert value not in repr(opened)
    (directory / "gateway.jwk").write_text(secret.replace("Ed25519", "Ed448"))
    with pytest.raises(ConfigurationFault) as caught:
        FileKeys.open(directory)
    assert value not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    """Keys for the properties of sealing."""
    return keys.create(tmp_path_factory.mktemp("home") / "keys", Counting(), NAME)


@given(secret=st.binary(max_size=200), context=st.text(max_size=40), data=st.data())
def test_what_is_sealed_opens_unchanged_in_its_context_only(
    opened: FileKeys, secret: bytes, context: str, data: st.DataObject
) -> None:
    """Another context, a changed, missing or added byte is a fault."""
    sealed = opened.wrap(secret, context)
    assert opened.unwrap(sealed, context) == secret
    assert secret not in sealed or len(secret) < 4
    assert opened.wrap(secret, context) != sealed
    at = data.draw(st.integers(0, len(sealed) - 1))
    flipped = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for spoilt, name in (
        (flipped, context),
        (sealed[:at], context),
        (sealed + b"\0", context),
        (sealed, context + "x"),
    ):
        with pytest.raises(Fault) as caught:
            opened.unwrap(spoilt, name)
        assert not caught.value.curable


def test_another_house_can_t_open_it(opened: FileKeys, tmp_path: Path) -> None:
    """Its master key is another."""
    other = keys.create(tmp_path / "keys", SystemIds(), NAME)
    with pytest.raises(Fault):
        other.unwrap(opened.wrap(b"reply", "x"), "x")


def test_a_consumer_s_key_is_kept_the_same_way(tmp_path: Path) -> None:
    """Named, new, readable by its owner only."""
    made = keys.new_key(SystemIds(), "wohngeldstelle-2026")
    keys.write_key(tmp_path / "k.jwk", made)
    read = keys.read_key(tmp_path / "k.jwk")
    assert (read.kid, jws.public_jwk(read)) == ("wohngeldstelle-2026", jws.public_jwk(made))
    (tmp_path / "k.jwk").chmod(0o644)
    with pytest.raises(ConfigurationFault):
        keys.read_key(tmp_path / "k.jwk")
