"""The archived policy: one way to write it down, and the same policy back."""

from __future__ import annotations

from hashlib import sha256

import pytest
from law_sample import NOW, RECORD, REQUEST, SETTINGS, documents, read_texts, sample, verify
from law_texts import TEXTS

from consent.decide import decide
from consent.policy import Policy, Settings, archive, empty, from_archive, read, unpack
from consent.vocabulary import ReasonCode, Refusal


def test_the_hash_is_that_of_the_archived_bytes() -> None:
    """Whoever has the archive can compute the policy's hash."""
    assert sample().hash == sha256(sample().archived).hexdigest()


def test_an_archive_gives_the_same_policy_back() -> None:
    """Equal in everything, and deciding the same."""
    again = from_archive(sample().archived, verify, NOW)
    assert again == sample()
    assert isinstance(again, Policy)
    assert decide(REQUEST, again, [RECORD], NOW) == decide(REQUEST, sample(), [RECORD], NOW)


@pytest.mark.parametrize("file", sorted(TEXTS))
def test_every_byte_of_every_file_is_in_the_hash(file: str) -> None:
    """A comment more in any file is another policy."""
    found = read_texts({**TEXTS, file: TEXTS[file] + "# a comment\n"})
    assert isinstance(found, Policy)
    assert found.hash != sample().hash


def test_signatures_and_deciding_settings_are_in_the_hash() -> None:
    """Another signature, or real identities instead of invented ones, is another policy."""
    others = [
        read(documents(signature=b"datenschutz leitung"), SETTINGS, verify, NOW),
        read(documents(), Settings(False, SETTINGS.retention_classes), verify, NOW),
        read(documents(), Settings(True, ("12m", "24m")), verify, NOW),
    ]
    hashes = {policy.hash for policy in others if isinstance(policy, Policy)}
    assert len(hashes | {sample().hash}) == 4


def test_an_archive_without_its_signatures_grants_nothing() -> None:
    """Signatures are checked again whenever an archive is read."""
    files = unpack(sample().archived)
    del files["grants/wohngeld.sig"]
    assert isinstance(from_archive(archive(files), verify, NOW), tuple)


@pytest.mark.parametrize("cut", [0, 5, 17, 100, -1])
def test_a_damaged_archive_is_none(cut: int) -> None:
    """Half an archive, or one with something after it, is refused."""
    whole = sample().archived
    for damaged in (whole[:cut], whole + b"x", whole.replace(b"norm =", b"norm=", 1)):
        with pytest.raises(ValueError, match="archive"):
            from_archive(damaged, verify, NOW)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"settings.json": b"{}"},
        {"settings.json": b"[]"},
        {"settings.json": b'{"retention_classes":[],"test_identities":"false"}'},
        {"settings.json": b'{"retention_classes":"24m","test_identities":false}'},
    ],
)
def test_an_archive_needs_its_settings(files: dict[str, bytes]) -> None:
    """Which identities are accepted is never guessed."""
    with pytest.raises(ValueError, match="settings"):
        from_archive(archive(files), verify, NOW)


def test_an_archived_file_that_is_no_toml_is_refused_without_its_content() -> None:
    """The error names the file and nothing of it."""
    files = unpack(sample().archived) | {"people/x.toml": b"id = Geheim"}
    with pytest.raises(ValueError, match=r"^an archived file is not TOML: people/x\.toml$"):
        from_archive(archive(files), verify, NOW)


def test_archiving_does_not_depend_on_order() -> None:
    """The same files give the same bytes, and come out again as they went in."""
    files = {"b": b"2\n1 a\n", "a": b"", "c d": b"\x00\xff"}
    packed = archive(files)
    assert packed == archive(dict(reversed(files.items())))
    assert unpack(packed) == files


def test_the_empty_policy_refuses_everything() -> None:
    """Without a word of law nothing leaves."""
    refusal = decide(REQUEST, empty(), [RECORD], NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.code is ReasonCode.NO_GRANT
    assert refusal.policy == empty().hash
