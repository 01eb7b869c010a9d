"""Orders about decisions and powers that are refused at the door: nothing is recorded, nothing ends."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from consents import (
    decision,
    gives,
    lists,
    named,
    one_town,
    power,
    recorded,
    refused,
    settled,
    soon,
    withdraws,
)
from letters import letter
from peopled import ORDINARY
from town import IDS, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for all of it: every case has an application of its own."""
    async with one_town(founded, tmp_path_factory.mktemp("consents-refused") / "home") as opened:
        yield opened


async def test_records_are_spoken_of_in_json_only(town: Town) -> None:
    """An XEinmal message on that way is refused in XEinmal."""
    body, content_type = town.body(town.asks(ORDINARY))
    for what in ("give", "withdraw", "list", "forget"):
        request = letter(
            town,
            body,
            consumer="buergerportal",
            content_type=content_type,
            message_id=IDS.new(),
            routing_key=f"buergerportal.consent.{what}",
        )
        message, _, told = await settled(town, request)
        assert (message.type, message.content_type) == ("consent.refusal", "application/xml")
        assert told[-1].event["reasons"] == ["not-supported"]
        assert b"not-supported" in message.body


async def test_a_test_message_changes_and_tells_nothing(town: Town) -> None:
    """The ledger has no twin for tests: given, ended, listed, each is refused."""
    record = await recorded(town, decision(town))
    requests = (gives(town, decision(town), test=True), withdraws(town, record, test=True))
    for request in (*requests, lists(town, test=True)):
        _, said, told = await settled(town, request)
        refused(said, told, "test-message")
        assert said["test"] is True
    assert len(await town.opened.store.events(record)) == 1


NOT_RECORDED: Final[dict[str, tuple[Callable[[Town], dict[str, Any]], str]]] = {
    "an unknown key": (lambda town: decision(town, remark="x"), "schema-invalid"),
    "a key of the house": (lambda town: decision(town, state="given"), "schema-invalid"),
    "no case": (lambda town: decision(town, case=None), "schema-invalid"),
    "a case without end": (lambda town: decision(town, case="x" * 501), "schema-invalid"),
    "a case of two lines": (lambda town: decision(town, case="a\nb"), "schema-invalid"),
    "ends before it begins": (
        lambda town: decision(town, not_after="2020-01-01T00:00:00Z"),
        "schema-invalid",
    ),
    "paper without its scan": (lambda town: decision(town, channel="paper"), "schema-invalid"),
    "nobody in particular": (lambda t: decision(t, subject={"birth_date": "1980-01-01"}), "schema-invalid"),
    "another recipient": (lambda town: decision(town, recipient="stadtkasse"), "no-grant"),
    "another register": (lambda t: decision(t, register="personenstandsregister"), "no-grant"),
    "another purpose": (lambda town: decision(town, purpose="day-care"), "no-grant"),
    "another kind of basis": (lambda town: decision(town, kind="consent"), "basis-kind-not-allowed"),
    "more fields than granted": (lambda t: decision(t, fields=["town", "religion"]), "fields-not-permitted"),
    "another norm": (lambda town: decision(town, norm="EGovG § 6"), "basis-mismatch"),
    "a choice for half a year": (lambda t: decision(t, not_after=soon(t, days=180)), "basis-outside-period"),
    "longer than the grant": (
        lambda t: decision(t, not_after="2031-01-01T00:00:00Z"),
        "basis-outside-period",
    ),
    "over already": (lambda t: decision(t, not_after=soon(t, seconds=-1)), "basis-outside-period"),
    "identified too weakly": (
        lambda t: decision(t, authentication={"level": "low", "event": "test"}),
        "assurance-insufficient",
    ),
    "a power nobody knows": (
        lambda t: decision(t, representative={"record": IDS.new(), "proof": "guardianship"}),
        "not-represented",
    ),
    "renews nothing": (lambda town: decision(town, previous=IDS.new()), "basis-mismatch"),
    "a number that is issued": (
        lambda t: decision(t, subject={"idnr": "86095742719", "birth_date": "1980-01-01"}),
        "identity-not-permitted",
    ),
    "a power of a proof not taken": (lambda town: power(town, proof="court-order"), "no-grant"),
    "a power for another procedure": (lambda t: power(t, procedures=["bewohnerparkausweis"]), "no-grant"),
    "a power over oneself": (lambda town: power(town, representative=named(ORDINARY)), "schema-invalid"),
    "a power without end": (
        lambda t: power(t, not_after="2090-01-01T00:00:00Z"),
        "basis-outside-period",
    ),
}


@pytest.mark.parametrize("name", NOT_RECORDED)
async def test_what_could_permit_nothing_is_not_recorded(
    town: Town, name: str, exceptions_watched: object
) -> None:
    """Each is refused with its reason; no record begins."""
    make, code = NOT_RECORDED[name]
    count = _records(town)
    message, said, told = await settled(town, gives(town, make(town)))
    assert message.type == "consent.refusal"
    refused(said, told, code)
    assert _records(town) == count


async def test_who_records_for_no_grant_records_nothing(town: Town) -> None:
    """The recipient itself, too: nobody says for the citizen that they agreed, but who is trusted to."""
    for consumer in ("wohngeldstelle", "kitaverwaltung"):
        for terms in (decision(town), power(town)):
            _, said, told = await settled(town, gives(town, terms, consumer))
            refused(said, told, "recorder-not-accepted")


def _records(town: Town) -> int:
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database:
        return int(database.execute("select count(*) from record").fetchone()[0])
