"""Never twice, never lost, never denied: a submission whose exchange was interrupted after its register had written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import planted
import pytest
from journal_lines import ended, is_of, lines, since
from law_changes import edit, takes_over
from odd_register import Done, Texts, guarded
from peopled import ORDINARY
from submitting import (
    LANGUAGES,
    PORTAL,
    WRITE_GRANT,
    content,
    decides,
    entries,
    resident,
    said,
    stamp,
    submits,
)
from town import NOW, Town

from consent.vocabulary import Filed
from gateway import assembly
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Postponed, Reply, Silent


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


async def writes_and_dies(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
    """The register has written; nobody hears of it."""
    assert isinstance(await real.write(mandate, values, replaces), Filed)
    raise Killed


async def interrupted(town: Town, request: Outbound) -> str:
    """Out: what the register holds once it has written the submission and the house has died over it."""
    house, _ = guarded(town.opened.house, town.opened.store, writes=writes_and_dies)
    with pytest.raises(Killed):
        await handle(town.delivery(request), house)
    assert resident(town.root, ORDINARY)["hausnummer"] == "99z"
    assert len(entries(town.root)) == 1
    return content(town.root)


# --- what happened can't be refused ------------------------------------------------------------------------------
async def _withdrawn(town: Town, record: str) -> None:
    await town.withdraws(record)


async def _over(town: Town, _record: str) -> None:
    town.clock.passes(days=31)


async def _late(town: Town, _record: str) -> None:
    town.clock.passes(hours=2)


async def _revoked(town: Town, _record: str) -> None:
    edit(town, WRITE_GRANT, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await takes_over(town)


async def _narrowed(town: Town, _record: str) -> None:
    edit(town, WRITE_GRANT, '"house_number", ', "")
    await takes_over(town)


async def _unwritable(town: Town, _record: str) -> None:
    edit(town, WRITE_GRANT, '["street", "house_number", "postcode", "town", "moved_in"]', '["street"]')
    edit(town, "registers/melderegister.toml", '"house_number", "postcode", "town", "moved_in", ', "")
    await takes_over(town)


async def _nothing(_town: Town, _record: str) -> None:
    """Nothing has changed."""


SINCE: Final[dict[str, Callable[[Town, str], Awaitable[None]]]] = {
    "nothing": _nothing,
    "the decision withdrawn": _withdrawn,
    "the decision over": _over,
    "the deadline passed": _late,
    "the grant ended": _revoked,
    "the grant narrowed": _narrowed,
    "the field not writable any more": _unwritable,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("changed", SINCE)
async def test_what_was_written_is_told_as_written(
    town: Town, changed: str, language: str, exceptions_watched: object
) -> None:
    """Whatever has changed since: one end, `submitted`, the person's; one receipt, with the time of the write; the
    register is not touched again, and the use stays used."""
    before = await lines(town.opened.store)
    record = await decides(town, ORDINARY, "UM-1", max_uses=1)
    request = await submits(town, ORDINARY, language, case="UM-1", chosen=False)
    written = await interrupted(town, request)
    town.clock.passes(minutes=10)
    await SINCE[changed](town, record)
    house = town.opened.house
    result = await handle(town.delivery(request, attempt=2), house)
    assert isinstance(result, Reply)
    assert result.message.type == "submit.receipt"
    told = said(result.message)
    assert (told["outcome"], told["recorded"]) == ("recorded", stamp(NOW))
    assert content(town.root) == written

    heard = [line for line in await since(before, town.opened.store) if line.exchange]
    assert ended(heard, told["exchange_id"]) == "submitted"
    assert [line.kind for line in heard if line.kind != "asked"] == ["submitted"]
    assert heard[-1].event["requested"] == ["house_number", "street"]
    assert "reasons" not in heard[-1].event
    assert await is_of(heard[-1], f"idnr:{planted.IDNR}", town)
    again = await handle(town.delivery(request, attempt=3), house)
    assert isinstance(again, Reply)
    assert again.message == result.message
    assert await town.opened.store.counts() == (1, 1, 0)
    held = await town.opened.store.record(record)
    assert held is not None
    assert getattr(held, "uses", None) == 1
    assert all(report.holds for report in assembly.verify_log(town.root))


@pytest.mark.parametrize("how", ["expired", "revoked"])
async def test_it_is_told_to_the_person_although_the_sender_may_hear_nothing_any_more(
    town: Town, how: str, exceptions_watched: object
) -> None:
    """The key that signed the submission has ended: the line says what happened, nobody is answered."""
    before = await lines(town.opened.store)
    request = await submits(town, ORDINARY)
    written = await interrupted(town, request)
    later = "2026-11-21T20:15:01Z"
    whole = "valid_to = 2027-12-31T23:59:59Z"
    ends = f"valid_to = {later}" if how == "expired" else f"{whole}\nrevoked_at = {later}"
    edit(town, f"consumers/{PORTAL}.toml", whole, ends)
    await takes_over(town)
    town.clock.passes(seconds=5)
    for _ in range(2):
        assert isinstance(await handle(town.delivery(request), town.opened.house), Silent)
    last = (await since(before, town.opened.store))[-1]
    assert last.kind == "submitted"
    assert await is_of(last, f"idnr:{planted.IDNR}", town)
    assert content(town.root) == written
    assert await town.opened.store.counts() == (1, 1, 0)
    assert all(report.holds for report in assembly.verify_log(town.root))


async def test_what_can_not_be_read_any_more_is_not_called_refused(town: Town) -> None:
    """The sender may not speak that language since: which register wrote can't be told, so nothing is denied."""
    before = await lines(town.opened.store)
    request = await submits(town, ORDINARY, "xeinmal/1.0")
    await interrupted(town, request)
    edit(town, f"consumers/{PORTAL}.toml", '"xeinmal/1.0", ', "")
    await takes_over(town)
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    assert result.message.type == "submit.failure"
    assert (await since(before, town.opened.store))[-1].kind == "failed"
    assert await town.opened.store.counts() == (1, 1, 0)


# --- the register can't say --------------------------------------------------------------------------------------
class Down:
    """Port `Register`: down for some calls, then as the real one."""

    def __init__(self, real: Register, calls: int) -> None:
        self._real, self._left = real, calls
        self.id = real.id

    async def filed(self, exchange: str) -> Filed | None:
        self._left -= 1
        if self._left >= 0:
            raise RegisterUnavailable(self.id)
        return await self._real.filed(exchange)


def without(house: House, calls: int) -> House:
    """Out: the house with its residents' register down."""
    down: Any = Down(house.registers["melderegister"], calls)
    return replace(house, registers={**house.registers, "melderegister": down})


async def test_while_the_register_is_down_the_exchange_waits(town: Town, exceptions_watched: object) -> None:
    """Nobody knows then whether it was written: postponed, and told once the register is back."""
    before = await lines(town.opened.store)
    record = await decides(town, ORDINARY, "UM-1")
    request = await submits(town, ORDINARY, case="UM-1", chosen=False)
    await interrupted(town, request)
    await town.withdraws(record)
    house = without(town.opened.house, 2)
    for _ in range(2):
        assert isinstance(await handle(town.delivery(request), house), Postponed)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert said(result.message)["outcome"] == "recorded"
    kinds = [line.kind for line in await since(before, town.opened.store) if line.exchange]
    assert kinds == ["asked", "postponed", "postponed", "submitted"]


async def test_a_register_that_stays_away_leaves_the_exchange_dead(
    town: Town, exceptions_watched: object
) -> None:
    """With the last attempt it ends all the same, and not as a refusal: that would deny what was written."""
    before = await lines(town.opened.store)
    record = await decides(town, ORDINARY, "UM-1")
    request = await submits(town, ORDINARY, case="UM-1", chosen=False)
    await interrupted(town, request)
    await town.withdraws(record)
    house = without(town.opened.house, 99)
    most = house.patience.attempts
    results = [await handle(town.delivery(request), house) for _ in range(most - 1)]
    assert [type(result) for result in results[:-1]] == [Postponed] * (most - 2)
    last = results[-1]
    assert isinstance(last, Reply)
    assert (last.message.type, said(last.message)["code"]) == ("submit.failure", "register-unavailable")
    told = await since(before, town.opened.store)
    assert (told[-1].kind, told[-1].event["reasons"]) == ("dead", ["register-unavailable"])
    assert await town.opened.store.counts() == (1, 1, 0)


async def test_an_exchange_that_wrote_nothing_is_refused(town: Town, exceptions_watched: object) -> None:
    """Killed before the register was asked, and withdrawn since: nothing has happened, and so it is said."""

    async def dies(_mandate: Mandate, _values: Texts, _replaces: Texts, _real: Register) -> Done:
        raise Killed

    record = await decides(town, ORDINARY, "UM-1", max_uses=1)
    request = await submits(town, ORDINARY, case="UM-1", chosen=False)
    as_it_was = resident(town.root, ORDINARY)
    house, _ = guarded(town.opened.house, town.opened.store, writes=dies)
    with pytest.raises(Killed):
        await handle(town.delivery(request), house)
    await town.withdraws(record)
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    assert said(result.message)["code"] == "basis-withdrawn"
    assert (resident(town.root, ORDINARY), entries(town.root)) == (as_it_was, [])
    held = await town.opened.store.record(record)
    assert getattr(held, "uses", None) == 0


async def test_who_was_held_up_writes_nothing_once_the_exchange_has_ended(
    town: Town, exceptions_watched: object
) -> None:
    """A process stands still before the register until the bus has given its delivery to another, which finds the
    deadline passed and says so. What goes on then comes too late: the same reply, nothing written."""
    before = await lines(town.opened.store)
    request = await submits(town, ORDINARY)
    delivery, others = town.delivery(request), list[object]()

    async def held_up(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
        town.clock.passes(hours=2)
        others.append(await handle(delivery, town.opened.house))
        return await real.write(mandate, values, replaces)

    house, _ = guarded(town.opened.house, town.opened.store, writes=held_up)
    late = await handle(delivery, house)
    [other] = others
    assert isinstance(other, Reply)
    assert isinstance(late, Reply)
    assert (other.message.type, said(other.message)["code"]) == ("submit.failure", "deadline-passed")
    assert late.message == other.message
    assert (resident(town.root, ORDINARY)["hausnummer"], entries(town.root)) == (ORDINARY.house_number, [])
    kinds = [line.kind for line in await since(before, town.opened.store) if line.exchange]
    assert kinds == ["asked", "expired"]
