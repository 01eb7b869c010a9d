"""Grants stand on two signatures of two people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from law_sample import NOW, SETTINGS, documents, read_texts, verify
from law_texts import changed

from consent.policy import Policy, read

FOREVER = "valid_to = 2027-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("signature", "wrong"),
    [
        (None, "is not signed"),
        (b"", "does not fit"),
        (b"leitung", "lacks the signature of an approver"),
        (b"datenschutz", "lacks the signature of a register owner"),
        (b"leitung leitung", "is signed twice by 'leitung': one person is not two"),
        (b"leitung betrieb", "lacks the signature of an approver"),
        (b"betrieb datenschutz", "lacks the signature of a register owner"),
        (b"leitung niemand", "is signed by 'niemand', who is nobody"),
        (b"leitung datenschutz niemand", "is signed by 'niemand', who is nobody"),
    ],
)
def test_anything_but_owner_and_approver_grants_nothing(signature: bytes | None, wrong: str) -> None:
    """Unsigned, singly signed, twice by one, by the wrong roles or by strangers: a problem, and no policy."""
    found = read(documents(signature=signature), SETTINGS, verify, NOW)
    assert isinstance(found, tuple)
    assert [problem.file for problem in found] == ["grants/wohngeld.toml"]
    assert wrong in found[0].wrong


def test_a_third_signature_does_no_harm() -> None:
    """More people than needed may sign."""
    signed = documents(signature=b"betrieb leitung datenschutz")
    assert isinstance(read(signed, SETTINGS, verify, NOW), Policy)


def test_the_owner_must_answer_for_every_register_of_the_file() -> None:
    """An owner of another register can't grant access to this one."""
    found = read_texts(changed("people/leitung.toml", '"melderegister", ', ""))
    assert isinstance(found, tuple)
    assert found[0].wrong == "lacks the signature of a register owner who answers for melderegister"


@pytest.mark.parametrize("who", ["leitung", "datenschutz"])
@pytest.mark.parametrize(
    ("old", "validity", "wrong"),
    [
        (FOREVER, FOREVER + "\nrevoked_at = 2026-11-22T12:00:00Z", "was revoked on 2026-11-22"),
        (FOREVER, "valid_to = 2026-11-22T11:59:59Z", "ended on 2026-11-22"),
        ("valid_from = 2026-01-01", "valid_from = 2026-11-23", "is valid from 2026-11-23 only"),
    ],
)
def test_keys_that_do_not_count_grant_nothing(who: str, old: str, validity: str, wrong: str) -> None:
    """A signature counts while its key does, to the second, when the policy is adopted."""
    found = read_texts(changed(f"people/{who}.toml", old, validity))
    assert isinstance(found, tuple)
    assert found[0].wrong == f"is signed by {who!r}, whose key {wrong}"
    assert found[0].key == "grant"


def test_a_key_revoked_later_still_counts_now() -> None:
    """A revocation acts from its moment on."""
    later = changed("people/leitung.toml", FOREVER, FOREVER + "\nrevoked_at = 2026-11-22T12:00:01Z")
    assert isinstance(read_texts(later), Policy)
    assert isinstance(read_texts(later, datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)), tuple)
