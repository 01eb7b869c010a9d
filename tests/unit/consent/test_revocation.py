"""One signature closes what two opened, and what was closed stays closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

import pytest
from law_sample import NOW, RECORD, REQUEST, SETTINGS, documents, sample, verify
from law_texts import GRANT, TEXTS, changed

from consent.decide import decide
from consent.policy import Policy, from_archive, read
from consent.problems import Document
from consent.revocation import Revocation, file_of, forgotten, revokes
from consent.vocabulary import Permit, Problem, ReasonCode, Refusal

ID: Final = "wohngeld-residence"
FILE: Final = f"grants/{ID}.revoked"


def statement(**different: Any) -> Revocation:
    """Out: what ends the sample's grant, with differences."""
    return revokes(sample().grants[ID], "Pilotbetrieb beendet", NOW).model_copy(update=different)


def revocation(said: Revocation | bytes, signers: str = "datenschutz", file: str = FILE) -> Document:
    """Out: the file, its signatures being names that the sample's `verify` believes."""
    payload = said.body() if isinstance(said, Revocation) else said
    told = {"payload": payload.decode(), "signatures": signers}
    return Document(file, json.dumps(told).encode(), {})


def believing(_body: bytes, signature: bytes, find: Any) -> Any:
    """As the sample's `verify`, which for a revocation is handed the signatures as JSON."""
    try:
        names = json.loads(signature)["signatures"].encode()
    except (ValueError, KeyError, TypeError):
        names = signature
    return verify(_body, names, find)


def law(document: Document, texts: Mapping[str, str] = TEXTS) -> Policy | tuple[Problem, ...]:
    return read([*documents(texts), document], SETTINGS, believing, NOW)


def problem(document: Document, texts: Mapping[str, str] = TEXTS) -> Problem:
    found = law(document, texts)
    assert isinstance(found, tuple), "the mistake was not noticed"
    (one,) = found
    assert one.file == document.file
    assert one.mend
    return one


@pytest.mark.parametrize("signer", ["datenschutz", "leitung"])
def test_a_revoked_grant_grants_nothing_and_stays_known(signer: str) -> None:
    """An approver's signature is enough, and so is that of the register's owner."""
    found = law(revocation(statement(), signer))
    assert isinstance(found, Policy)
    refusal = decide(REQUEST, found, [RECORD], NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.code is ReasonCode.NO_GRANT
    assert found.grants[ID].norm == "EGovG § 5"
    assert found.revocations[ID].reason == "Pilotbetrieb beendet"
    assert isinstance(decide(REQUEST, sample(), [RECORD], NOW), Permit)


def test_a_revocation_is_part_of_the_archive() -> None:
    """Whoever replays a decision finds out that the grant had ended."""
    found = law(revocation(statement()))
    assert isinstance(found, Policy)
    assert found.hash != sample().hash
    again = from_archive(found.archived, believing, NOW)
    assert again == found


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        (revocation(statement(), ""), "does not fit"),
        (revocation(statement(), "niemand"), "is nobody in people/"),
        (revocation(statement(), "betrieb"), "neither an approver nor melderegister's owner"),
        (revocation(statement(), "datenschutz betrieb"), "neither an approver"),
        (revocation(statement(), "datenschutz datenschutz"), "signed twice"),
        (revocation(statement(), file="grants/other.revoked"), f"revokes grant {ID!r}"),
        (revocation(statement(content="0" * 64)), "revokes another state"),
        (revocation(statement(until=date(2027, 1, 1))), "revokes another state"),
        (
            revocation(statement(time=datetime(2025, 12, 31, tzinfo=UTC))),
            "whose key is valid from 2026-01-01",
        ),
        (revocation(statement(time=datetime(2028, 1, 1, tzinfo=UTC))), "whose key ended on 2027-12-31"),
        (revocation(statement(reason="")), "is no revocation"),
        (revocation(statement(reason="a\nb")), "is no revocation"),
        (revocation(b" " + statement().body()), "is no revocation"),
        (revocation(statement().body().replace(b'"v":1', b'"v":1,"v":1')), "is no revocation"),
        (revocation(b"{}"), "is no revocation"),
        (Document(FILE, b"", {}), "is no revocation"),
        (Document(FILE, b"[1]", {}), "is no revocation"),
        (Document(FILE, b'{"payload": 3, "signatures": []}', {}), "is no revocation"),
        (Document(FILE, b"[" * 100_000, {}), "is no revocation"),
        (Document(FILE, b"\xff", {}), "is no revocation"),
    ],
)
def test_a_revocation_that_does_not_hold_is_told(document: Document, wrong: str) -> None:
    """Whoever signed it, whatever it says: a problem, and no policy."""
    assert wrong in problem(document).wrong


def test_another_registers_owner_may_not_revoke() -> None:
    """An owner closes their own register only."""
    other = changed("people/leitung.toml", '"melderegister", ', "")
    other["people/amt.toml"] = (
        TEXTS["people/leitung.toml"].replace("leitung", "zweiter").replace('"melderegister", ', "")
    )
    found = law(revocation(statement(), "zweiter"), other)
    assert isinstance(found, tuple)
    assert any("neither an approver nor melderegister's owner" in one.wrong for one in found)


def test_a_revocation_outlives_its_signers_key() -> None:
    """The key is judged at the time that was signed: a house does not open a door because somebody retired."""
    ended = changed("people/datenschutz.toml", "2027-12-31T23:59:59Z", "2026-11-22T12:00:00Z")
    found = read([*documents(ended), revocation(statement())], SETTINGS, believing, NOW)
    assert isinstance(found, Policy)
    assert ID in found.revocations


def test_a_key_revoked_before_closes_nothing() -> None:
    """Neither does the thief of a key that was revoked in time."""
    stolen = changed("people/leitung.toml", "valid_to", "revoked_at = 2026-11-22T11:00:00Z\nvalid_to")
    found = law(revocation(statement(), "leitung"), stolen)
    assert isinstance(found, tuple)
    assert any(one.file == FILE and "was revoked on" in one.wrong for one in found)


def test_a_revoked_grant_makes_room_for_another() -> None:
    """Two grants for one question overlap; one that was revoked answers none."""
    again = {**TEXTS, "grants/neu.toml": GRANT.replace(ID, "neu")}
    found = law(revocation(statement()), again)
    assert isinstance(found, Policy)
    permit = decide(REQUEST, found, [RECORD], NOW)
    assert isinstance(permit, Permit)
    assert permit.grant == "neu"


def test_a_revocation_does_not_bring_a_replaced_grant_back() -> None:
    """The older grant ended where its successor began, whatever becomes of that."""
    newer = GRANT.replace(ID, "neu").replace("2026-01-01", "2026-11-01") + f'predecessor = "{ID}"\n'
    texts = {**TEXTS, "grants/neu.toml": newer}
    both = read(documents(texts), SETTINGS, verify, NOW)
    assert isinstance(both, Policy)
    ended = revokes(both.grants["neu"], "zu weit", NOW)
    found = law(revocation(ended, file=file_of("neu")), texts)
    assert isinstance(found, Policy)
    assert isinstance(decide(REQUEST, found, [RECORD], NOW), Refusal)


def test_the_tombstone_of_a_grant_that_is_gone_is_no_mistake() -> None:
    """The grant's file may go; its revocation stays until the grant's last day."""
    texts = {file: text for file, text in TEXTS.items() if not file.startswith("grants/")}
    found = law(revocation(statement()), texts)
    assert isinstance(found, Policy)
    assert not found.grants
    assert ID in found.revocations


def test_a_revocation_in_force_may_not_get_lost() -> None:
    """While its grant could still be valid, a policy without it is a mistake; afterwards it may go."""
    revoked = {ID: statement()}
    assert [one.file for one in forgotten(revoked, {}, date(2027, 12, 31))] == [FILE]
    assert list(forgotten(revoked, {}, date(2028, 1, 1))) == []
    assert list(forgotten(revoked, revoked, date(2026, 11, 22))) == []


@pytest.mark.parametrize(
    "different",
    [{"until": date(2026, 11, 1)}, {"content": "0" * 64}, {"register_": "gewerberegister"}],
    ids=["an-earlier-last-day", "another-content", "another-register"],
)
def test_another_revocation_under_its_id_does_not_replace_one_in_force(different: Mapping[str, Any]) -> None:
    """Where the grant's file is gone it holds, so that with a last day in the past it could go in turn, and the
    grant's old file with its two old signatures come back."""
    other = statement(**different)
    without = {file: text for file, text in TEXTS.items() if not file.startswith("grants/")}
    assert isinstance(law(revocation(other), without), Policy)
    (one,) = forgotten({ID: statement()}, {ID: other}, date(2026, 11, 22))
    assert one.file == FILE
    assert "ends another state of it" in one.wrong


def test_a_revocation_in_force_may_be_written_again() -> None:
    """Another reason, time or signer ends the same grant."""
    again = statement(reason="Neu unterschrieben", time=datetime(2026, 11, 23, tzinfo=UTC))
    assert list(forgotten({ID: statement()}, {ID: again}, date(2026, 11, 23))) == []
