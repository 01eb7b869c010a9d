"""What every ConsentStore does (gateway.ports; DOMAIN.md 4, LOG.md 9.3)."""

from __future__ import annotations

from datetime import date

import pytest
from entries import NOW, entry, furnish, key, settlement, standing, step
from stores import Stores

from adapters.storage.store import SqlStore
from consent.vocabulary import BasisClaim, Power, Record, RecordState, Request, Subject
from gateway.ports import Committed, RecordEvent, RecordMoved, StandingMoved, Use

PERSON = Subject(birth_date=date(1990, 2, 3), family_name="Beispiel", given_name="Anna")


@pytest.fixture
async def store(stores: Stores) -> SqlStore:
    """An opened store with two shards, a policy and no record."""
    store = stores.open()
    await furnish(store, records=0)
    return store


async def keep(store: SqlStore, *events: RecordEvent) -> None:
    for event in events:
        result = await store.append(entry(f"{event.record} {event.revision}", records=(event,)))
        assert isinstance(result, Committed), result


def asking(
    record: str | None = None,
    consumer: str = "wohngeldstelle",
    case: str = "wg-1",
    representative: str | None = None,
) -> Request:
    return Request(
        message="m",
        consumer=consumer,
        language="json/1.0",
        evidence="residence",
        purpose="housing-benefit",
        procedure="wohngeld-antrag",
        case=case,
        subject=PERSON,
        basis=BasisClaim(record=record),
        representative=representative,
    )


async def test_an_empty_store_knows_no_record(store: SqlStore) -> None:
    """Nothing recorded: nothing found, whichever way one asks."""
    assert await store.record("c-1") is None
    assert await store.events("c-1") == []
    assert await store.held_for(asking("c-1"), "x") == []
    assert await store.held_for(asking(), "x") == []
    assert await store.of_subject(PERSON) == []


async def test_events_come_back_as_they_were_appended(store: SqlStore) -> None:
    """Body and receipt byte for byte, in the order of their revisions."""
    steps = [step("c-1", 1), step("c-1", 2, RecordState.WITHDRAWN)]
    await keep(store, *steps)
    assert await store.events("c-1") == steps
    record = await store.record("c-1")
    assert record is not None
    assert (record.state, record.revision) == (RecordState.WITHDRAWN, 2)


@pytest.mark.parametrize("revision", [0, 1, 3])
async def test_the_next_event_is_the_next_revision(store: SqlStore, revision: int) -> None:
    """Whoever appends on an older state, or leaves one out, is turned away; nothing is written."""
    await keep(store, step("c-1", 1))
    late = entry("late", records=(step("c-1", revision, RecordState.WITHDRAWN),))
    assert await store.append(late) == RecordMoved()
    assert len(await store.events("c-1")) == 1


async def test_a_first_event_is_revision_one(store: SqlStore) -> None:
    """A record can't begin in the middle."""
    assert await store.append(entry("x", records=(step("c-1", 2),))) == RecordMoved()


async def test_several_events_of_one_entry_are_one_step(store: SqlStore) -> None:
    """An entry may hold several records' events; all of them or none."""
    both = (step("c-1", 1), step("c-2", 1), step("c-1", 2, RecordState.RENEWED))
    assert isinstance(await store.append(entry("both", records=both)), Committed)
    assert len(await store.events("c-1")) == 2
    gap = (step("c-3", 1), step("c-1", 4))
    assert await store.append(entry("gap", records=gap)) == RecordMoved()
    assert await store.record("c-3") is None


async def test_the_claimed_record_is_found_whoever_claims_it(store: SqlStore) -> None:
    """A named record is handed to the decision as it is; whether it fits is not the store's business."""
    await keep(store, step("c-1", 1, recipient="parkausweis", case="p-9"))
    assert [record.id for record in await store.held_for(asking("c-1"), "x")] == ["c-1"]


async def test_without_a_claim_the_recipient_and_case_decide(store: SqlStore) -> None:
    """Every record of that recipient and case, and none of another's."""
    await keep(
        store,
        step("c-1", 1),
        step("c-2", 1, case="wg-2"),
        step("c-3", 1, recipient="parkausweis"),
        step("c-4", 1),
    )
    assert [record.id for record in await store.held_for(asking(), "x")] == ["c-1", "c-4"]


async def test_uses_are_those_of_other_exchanges(store: SqlStore) -> None:
    """The exchange that is being decided doesn't stand in its own way; a use given back doesn't count."""
    await keep(store, step("c-1", 1))
    for name in ("x", "y", "z"):
        asked = entry(name, exchange=key(name), use=Use("c-1", None))
        assert isinstance(await store.append(asked), Committed)
    done = entry("no", exchange=key("z"), settlement=settlement("refused"))
    assert isinstance(await store.append(done), Committed)
    own = await store.held_for(asking("c-1"), "exchange-x")
    new = await store.held_for(asking("c-1"), "exchange-new")
    assert [record.uses for record in own if isinstance(record, Record)] == [1]
    assert [record.uses for record in new if isinstance(record, Record)] == [2]


async def test_a_person_is_found_by_every_way_they_are_named(store: SqlStore) -> None:
    """By name or IDNr; a record that contradicts what is asked by is somebody else's."""
    await keep(
        store,
        step("c-1", 1),
        step("c-2", 1, idnr="02468135774"),
        step("c-3", 1, family_name="Muster"),
        step("c-4", 1, idnr="01357924689"),
    )
    found = await store.of_subject(PERSON)
    assert [record.id for record in found] == ["c-1", "c-2", "c-4"]
    both = Subject("02468135774", PERSON.birth_date, PERSON.family_name, PERSON.given_name)
    assert [record.id for record in await store.of_subject(both)] == ["c-1", "c-2"]
    assert await store.of_subject(Subject(birth_date=PERSON.birth_date)) == []


async def test_a_later_event_moves_where_the_record_is_found(store: SqlStore) -> None:
    """How a record is found follows its latest event, in the transaction that appends it."""
    await keep(store, step("c-1", 1), step("c-1", 2, RecordState.RENEWED, case="wg-7"))
    assert await store.held_for(asking(), "x") == []
    assert [record.id for record in await store.held_for(asking(case="wg-7"), "x")] == ["c-1"]


async def test_records_outlive_the_opening(stores: Stores, store: SqlStore) -> None:
    """Another opening of the same store finds the same record."""
    await keep(store, step("c-1", 1))
    async with stores.using() as other:
        assert await other.record("c-1") == await store.record("c-1")
    assert (await store.held_for(asking(), "x"))[0].not_after > NOW


# --- powers ---------------------------------------------------------------------------------------------------
def power(record: str, revision: int = 1, state: RecordState = RecordState.GIVEN) -> RecordEvent:
    return step(record, revision, state, proof="guardianship")


async def test_the_powers_a_decision_may_rest_on_come_with_it(store: SqlStore) -> None:
    """Those that the request or a record names, each once, after the records; no other."""
    await keep(store, power("p-1"), power("p-2"), power("p-3"))
    await keep(store, step("c-1", 1, representative="p-1"), step("c-2", 1, representative="p-1"))
    assert [one.id for one in await store.held_for(asking(), "x")] == ["c-1", "c-2", "p-1"]
    named = await store.held_for(asking("c-2", representative="p-2"), "x")
    assert [one.id for one in named] == ["c-2", "p-2", "p-1"]
    assert [isinstance(one, Power) for one in named] == [False, True, True]
    assert [one.id for one in await store.held_for(asking("c-1", representative="no-such"), "x")] == [
        "c-1",
        "p-1",
    ]


async def test_a_power_is_found_by_its_person_and_is_for_nobodys_case(store: SqlStore) -> None:
    """Not by the case or the recipient of anything, and not by who acts under it."""
    await keep(store, power("p-1"))
    assert [one.id for one in await store.of_subject(PERSON)] == ["p-1"]
    guardian = Subject(birth_date=date(1970, 1, 1), family_name="Muster", given_name="Max")
    assert await store.of_subject(guardian) == []
    assert await store.held_for(asking(), "x") == []


async def test_nothing_is_committed_on_a_power_that_has_moved(store: SqlStore) -> None:
    """Its revision and state are held against those that were judged, beside the record's own."""
    await keep(store, step("c-1", 1), power("p-1"), power("p-2"))
    both: tuple[tuple[str, int], ...] = (("p-1", 1), ("p-2", 1))
    asked = entry("asked", standing=standing("c-1", 1, powers=both))
    assert isinstance(await store.append(asked), Committed)
    for wrong in (("p-1", 2), ("no-such", 1), ("p-1", 0)):
        other = entry("other", standing=standing("c-1", 1, powers=(wrong,)))
        assert await store.append(other) == StandingMoved()
    await keep(store, power("p-2", 2, RecordState.WITHDRAWN))
    for powers in (both, (("p-2", 2),)):
        late = entry("late", standing=standing("c-1", 1, powers=powers))
        assert await store.append(late) == StandingMoved()
    alone = entry("alone", standing=standing(powers=(("p-1", 1),)))
    assert isinstance(await store.append(alone), Committed)
