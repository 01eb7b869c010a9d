"""Who got hold of a gateway key that was rotated takes no step with it in anybody's record."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

from peopled import ORDINARY
from town import Town

from consent.held import read
from consent.vocabulary import Held
from gateway import assembly, jws, records


async def standing(town: Town, record: str) -> Held:
    held = await town.opened.store.record(record)
    assert held is not None
    return held


def resigned(town: Town, record: str, key: jws.SigningKey) -> None:
    """The receipt over a record's first step is made anew with that key, in the database."""
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        (body,) = connection.execute("select body from record_event where record = ?", (record,)).fetchone()
        receipt = jws.sign_compact(body, records.RECORD_TYPE, key)
        connection.execute("update record_event set receipt = ? where record = ?", (receipt, record))


def forged(town: Town, record: str, key: jws.SigningKey, **changed: object) -> None:
    """A record's first step says something else, signed with that key, in the database."""
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        (body,) = connection.execute("select body from record_event where record = ?", (record,)).fetchone()
        body = read(body).model_copy(update=changed).body()
        made = (body, jws.sign_compact(body, records.RECORD_TYPE, key), record)
        connection.execute("update record_event set body = ?, receipt = ? where record = ?", made)


async def test_a_former_key_vouches_for_what_it_signed_in_its_time_alone(town: Town) -> None:
    """A step of the time before the rotation stands; one of later that it signs does not, and `log verify` names it."""
    stolen = town.opened.keys.gateway
    before = await town.chooses(ORDINARY, case="A")
    town.clock.passes(hours=1)
    await town.opened.rotations().gateway(town.clock.now())
    town.clock.passes(seconds=62)
    after = await town.chooses(ORDINARY, case="B")
    resigned(town, before, stolen)
    assert (await standing(town, before)).authentic
    assert all(report.holds for report in assembly.verify_log(town.root))
    resigned(town, after, stolen)
    assert not (await standing(town, after)).authentic
    found = [wrong for report in assembly.verify_log(town.root) for wrong in report.wrong]
    assert {wrong.key.split(" ")[0] for wrong in found} == {after}


async def test_a_step_that_is_dated_back_is_named(town: Town) -> None:
    """Whoever has the former key and the database takes a step of today and dates it into that key's time, or gives it
    more fields: its line says otherwise, and `log verify` names the record."""
    stolen = town.opened.keys.gateway
    town.clock.passes(hours=1)
    await town.opened.rotations().gateway(town.clock.now())
    town.clock.passes(seconds=62)
    dated, widened = await town.chooses(ORDINARY, case="A"), await town.chooses(ORDINARY, case="B")
    forged(town, dated, stolen, time=town.clock.now() - timedelta(hours=1))
    forged(town, widened, town.opened.keys.gateway, fields=frozenset({"town", "religion"}))
    found = [wrong for report in assembly.verify_log(town.root) for wrong in report.wrong]
    assert {wrong.key.split(" ")[0] for wrong in found if wrong.table == "record_event"} == {dated, widened}


async def test_a_step_that_had_begun_before_a_rotation_stands(town: Town) -> None:
    """Judged, signed, and appended a few seconds after somebody rotated the key: nobody's decision is lost by it."""
    former = town.opened.keys.gateway
    await town.opened.rotations().gateway(town.clock.now())
    town.clock.moment += timedelta(seconds=59)
    record = await town.chooses(ORDINARY)
    resigned(town, record, former)
    assert (await standing(town, record)).authentic
