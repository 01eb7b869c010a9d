"""What an office kept against what the house logged: each side's gap and each change is named (LOG.md 10)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import pytest
import rfc8785
import sqlalchemy as sa
from peopled import ORDINARY
from sqlalchemy.engine import Connection
from town import Town

from adapters.clock import SystemIds
from adapters.keys import new_key
from adapters.storage.schema import EXCHANGE, LINE
from gateway import assembly, jws
from gateway.audit.receipt import Promise, promised
from gateway.audit.reconcile import Difference, Finding
from gateway.audit.record import stamp
from gateway.exchange import handle
from gateway.proving.reconciling import Scope, Tally
from gateway.stages import Reply

OFFICE = "parkraumbewirtschaftung"


async def asked(town: Town, case: str, **changed: object) -> str:
    """The parking office asks, and a second passes. Out: its receipt."""
    request = town.signed(town.parking(ORDINARY, case=case, **changed), OFFICE)
    reply = await handle(town.delivery(request), town.opened.house)
    assert isinstance(reply, Reply)
    town.clock.passes(seconds=10)
    return reply.message.headers["receipt"]


@pytest.fixture
async def receipts(town: Town) -> list[str]:
    """What the parking office kept: five answers and a refusal."""
    kept = [await asked(town, f"BP-{number}") for number in range(5)]
    return [*kept, await asked(town, "BP-9", fields=["religion"])]


async def compared(
    town: Town, lines: Iterable[str | bytes], scope: Scope | None = None
) -> tuple[list[Finding], Tally]:
    """Out: what differs, and the counts."""
    comparing = assembly.reconciliation(town.opened, scope or Scope())
    raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
    found = [finding async for finding in comparing.theirs(enumerate(raw, 1))]
    found += [finding async for finding in comparing.lacking()]
    assert comparing.tally.differ == len(found)
    return found, comparing.tally


def read(town: Town, token: str) -> Promise:
    return promised(token, town.opened.keys.find)


def told(found: Sequence[Finding]) -> list[tuple[Difference, int | None]]:
    return [(finding.what, finding.line) for finding in found]


def signed(town: Town, said: Promise, key: jws.SigningKey | None = None, **changed: object) -> str:
    """Out: a receipt that says something else, signed by the house unless told otherwise."""
    names = ("exchange", "request", "reply", "time", "origin")
    payload = {"v": 1, **{name: getattr(said, name) for name in names}, **changed}
    return jws.sign_compact(rfc8785.dumps(payload), jws.RECEIPT_TYPE, key or town.opened.keys.gateway)


class TestAgreement:
    async def test_what_was_kept_agrees(self, town: Town, receipts: list[str]) -> None:
        """Answers and refusals; in any order; as they came or as JSON."""
        lines = [
            receipts[3],
            *receipts[:3],
            json.dumps({"receipt": receipts[4], "case": "BP-4"}),
            receipts[5],
        ]
        found, tally = await compared(town, lines)
        assert found == []
        assert (tally.receipts, tally.agree, tally.consumers) == (6, 6, {OFFICE})

    async def test_the_same_receipt_again_is_no_difference(self, town: Town, receipts: list[str]) -> None:
        """A question asked again gets the very same one."""
        found, tally = await compared(town, [*receipts, receipts[0]])
        assert (found, tally.again, tally.agree) == ([], 1, 6)

    async def test_more_than_one_part(self, town: Town, receipts: list[str]) -> None:
        """A file longer than what is looked up at once: nothing falls between two parts."""
        lines = [*[receipts[0]] * 511, receipts[1], *[receipts[2]] * 600, *receipts[3:]]
        found, tally = await compared(town, lines)
        assert (found, tally.agree, tally.again) == ([], 6, 510 + 599)

    async def test_keys_that_were_followed_still_count(self, town: Town, receipts: list[str]) -> None:
        """Receipts under the gateway's former key are the house's."""
        former = town.opened.keys.gateway.kid
        await town.opened.rotations().gateway(town.clock.now())
        assert town.opened.keys.gateway.kid != former
        later = await asked(town, "BP-10")
        assert (await compared(town, [*receipts, later]))[0] == []


class TestTheirGap:
    async def test_an_exchange_without_a_receipt_is_named(self, town: Town, receipts: list[str]) -> None:
        """The log says they were sent something, and they kept nothing of it: how it ended and when is told."""
        missing = read(town, receipts[2])
        found, _ = await compared(town, [*receipts[:2], *receipts[3:]])
        assert [(one.what, one.exchange, one.consumer, one.kind) for one in found] == [
            (Difference.NO_RECEIPT, missing.exchange, OFFICE, "answered")
        ]

    async def test_only_what_lies_in_the_period(self, town: Town, receipts: list[str]) -> None:
        """Without days between their first and last receipt; with days all of these."""
        assert (await compared(town, receipts[1:4]))[0] == []
        whole = Scope(OFFICE, "2026-11-21T00:00:00.000Z", "2026-11-22T00:00:00.000Z")
        found, _ = await compared(town, receipts[1:4], whole)
        assert {one.exchange for one in found} == {read(town, receipts[at]).exchange for at in (0, 4, 5)}
        before = Scope(OFFICE, None, read(town, receipts[3]).time)
        found, tally = await compared(town, receipts[1:5], before)
        assert (found, tally.outside) == ([], 2)

    async def test_who_kept_nothing(self, town: Town, receipts: list[str]) -> None:
        """An empty file of an office: everything it was ever sent."""
        found, _ = await compared(town, [], Scope(OFFICE))
        assert {one.exchange for one in found} == {read(town, token).exchange for token in receipts}


class TestOurGap:
    async def test_an_exchange_that_the_log_lacks_is_named(self, town: Town, receipts: list[str]) -> None:
        """We signed that our log has it."""
        gone = read(town, receipts[1])
        await town.opened.store.change(_forget, gone.exchange)
        found, _ = await compared(town, receipts)
        assert [(one.what, one.line, one.exchange) for one in found] == [
            (Difference.MISSING, 2, gone.exchange)
        ]

    @pytest.mark.parametrize(
        ("changed", "what"),
        [
            ({"request": "0" * 64}, Difference.REQUEST),
            ({"reply": "0" * 64}, Difference.REPLY),
            ({"origin": "musterstadt.example/24m/2026-11"}, Difference.ORIGIN),
        ],
    )
    async def test_another_body_than_the_logs_is_named(
        self, town: Town, receipts: list[str], changed: dict[str, str], what: Difference
    ) -> None:
        """What was promised and what was logged must be the same."""
        lines = [*receipts[:5], signed(town, read(town, receipts[5]), None, **changed)]
        assert told((await compared(town, lines))[0]) == [(what, 6)]

    async def test_a_line_that_was_changed_is_named(self, town: Town, receipts: list[str]) -> None:
        """One that can't be read any more, or says what its leaf does not commit to; with a receipt and without."""
        await town.opened.store.change(_garble, read(town, receipts[0]).exchange)
        await town.opened.store.change(_reword, read(town, receipts[1]).exchange)
        found, _ = await compared(town, receipts)
        assert told(found) == [(Difference.UNREADABLE, 1), (Difference.UNREADABLE, 2)]
        assert told((await compared(town, receipts[1:]))[0]) == [
            (Difference.UNREADABLE, 1),
            (Difference.UNREADABLE, None),
        ]

    async def test_a_line_that_was_emptied_before_its_time_is_named(
        self, town: Town, receipts: list[str]
    ) -> None:
        """Whatever it says of a norm: with a receipt, and without one."""
        await town.opened.store.change(_erase, read(town, receipts[2]).exchange)
        assert told((await compared(town, receipts))[0]) == [(Difference.MISSING, 3)]
        found, tally = await compared(town, [*receipts[:2], *receipts[3:]])
        assert (told(found), tally.erased) == ([(Difference.UNREADABLE, None)], 0)


class TestWhatIsNoReceiptOfOurs:
    async def test_each_is_named_by_its_line(self, town: Town, receipts: list[str]) -> None:
        """Damaged, foreign, forged, doubled, another office's; the true ones beside them agree."""
        first = read(town, receipts[0])
        stranger = new_key(SystemIds(), town.opened.keys.gateway.kid)
        lines: list[str | bytes] = [
            *receipts,
            "rubbish",
            b"\xff\xfe",
            receipts[0][:-1] + ("A" if receipts[0][-1] != "A" else "B"),
            signed(town, first, stranger),
            signed(town, first, stranger, origin="nachbarstadt.example/24m/2026-11"),
            signed(town, first, reply="0" * 64),
            '{"receipt": 3}',
            "[" * 10_000,
            '{"receipt": "' + receipts[0],
            signed(town, first, exchange=""),
        ]
        found, tally = await compared(town, lines)
        assert told(found) == [
            (Difference.DAMAGED, 7),
            (Difference.DAMAGED, 8),
            (Difference.NOT_OURS, 9),
            (Difference.NOT_OURS, 10),
            (Difference.OTHER_HOUSE, 11),
            (Difference.DOUBLED, 12),
            (Difference.DAMAGED, 13),
            (Difference.DAMAGED, 14),
            (Difference.DAMAGED, 15),
            (Difference.MISSING, 16),
        ]
        assert tally.agree == 6

    async def test_another_offices_are_named(self, town: Town, receipts: list[str]) -> None:
        """Where it is told whose they are."""
        found, _ = await compared(town, receipts[:1], Scope("stadtkasse"))
        assert [(one.what, one.consumer) for one in found] == [(Difference.CONSUMER, OFFICE)]


class TestErased:
    async def test_what_is_over_is_told_as_erased(self, town: Town, receipts: list[str]) -> None:
        """Its line is erased, or nothing of it is known any more; before its time that is a gap."""
        erased, gone = read(town, receipts[0]), read(town, receipts[1])
        await town.opened.store.change(_erase, erased.exchange)
        await town.opened.store.change(_forget, gone.exchange)
        found, tally = await compared(town, receipts)
        assert (told(found), tally.erased) == ([(Difference.MISSING, 1), (Difference.MISSING, 2)], 0)
        town.clock.moment = town.clock.moment.replace(year=2027, day=23)
        found, tally = await compared(town, receipts)
        assert (found, tally.erased, tally.agree) == ([], 2, 4)

    async def test_what_the_house_erased_itself(self, town: Town, receipts: list[str]) -> None:
        """On the day after the last one of a year, and in the month in which the log itself is destroyed."""
        for moment, destroyed in (("2027-11-22T03:00:00+00:00", 0), ("2027-12-03T03:00:00+00:00", 1)):
            town.clock.moment = datetime.fromisoformat(moment)
            await town.opened.shards.roll(town.clock.now())
            done = await town.opened.retention().run(town.clock.now(), clock_is_right=True)
            assert len(done.destroyed) == destroyed
            found, tally = await compared(town, receipts)
            assert (found, tally.erased, tally.agree) == ([], 6, 0)

    async def test_to_the_day(self, town: Town, receipts: list[str]) -> None:
        """On the last day that a line is kept its absence is a gap; on the next it is not."""
        gone = read(town, receipts[0])
        await town.opened.store.change(_forget, gone.exchange)
        assert stamp(datetime.fromisoformat(gone.time)).startswith("2026-11-21T20")
        town.clock.moment = datetime.fromisoformat("2027-11-21T22:59:00+00:00")
        assert told((await compared(town, receipts))[0]) == [(Difference.MISSING, 1)]
        town.clock.moment = datetime.fromisoformat("2027-11-21T23:00:00+00:00")
        assert (await compared(town, receipts))[0] == []


def _forget(connection: Connection, exchange: str) -> None:
    connection.execute(sa.delete(EXCHANGE).where(EXCHANGE.c.exchange == exchange))


def _line_of(connection: Connection, exchange: str) -> sa.ColumnElement[bool]:
    row = connection.execute(sa.select(EXCHANGE).where(EXCHANGE.c.exchange == exchange)).one()
    return sa.and_(LINE.c.shard == row.terminal_shard, LINE.c.idx == row.terminal_idx)


def _erase(connection: Connection, exchange: str) -> None:
    erased = {"salt": None, "event": None, "withheld": "erased: IDNrG § 9"}
    connection.execute(sa.update(LINE).where(_line_of(connection, exchange)).values(**erased))


def _garble(connection: Connection, exchange: str) -> None:
    connection.execute(sa.update(LINE).where(_line_of(connection, exchange)).values(event=b"{}"))


def _reword(connection: Connection, exchange: str) -> None:
    kept = connection.execute(sa.select(LINE.c.event).where(_line_of(connection, exchange))).scalar_one()
    said = rfc8785.dumps({**json.loads(kept), "released": ["nothing"]})
    connection.execute(sa.update(LINE).where(_line_of(connection, exchange)).values(event=said))
