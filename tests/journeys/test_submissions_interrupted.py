"""Never twice, never lost, never denied: a submission whose exchange was interrupted after its register had written."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import planted
import pytest
import racing
import town as towns
from journal_lines import ended, every_end, is_of, lines, since
from law_changes import edit, takes_over
from odd_register import Done, Write, guarded
from peopled import ORDINARY
from submitting import (
    LANGUAGES,
    PORTAL,
    WRITE_GRANT,
    content,
    decides,
    entries,
    on_file,
    resident,
    said,
    stamp,
    submits,
)
from town import NOW, Town

from consent.vocabulary import Filed
from gateway import assembly
from gateway.errors import RegisterProtocol, RegisterTimeout, RegisterUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Postponed, Reply, Silent

Texts = Mapping[str, str]


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


# --- a failure reported for what was written ---------------------------------------------------------------------
def failing(fault: Exception, after: bool) -> Write:
    """Out: a register that reports a fault once, having written or not."""
    left = [fault]

    async def write(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
        if not left:
            return await real.write(mandate, values, replaces)
        if after:
            await real.write(mandate, values, replaces)
        raise left.pop()

    return write


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", [RegisterTimeout, RegisterUnavailable])
@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
async def test_a_curable_fault_is_cured_to_one_receipt(
    town: Town, fault: type[Exception], after: bool, language: str, exceptions_watched: object
) -> None:
    """Not persisted, or persisted and reported failed: put off, tried again, written once."""
    request = await submits(town, ORDINARY, language)
    writes = failing(fault("melderegister"), after)
    house, doors = guarded(town.opened.house, town.opened.store, writes=writes)
    assert isinstance(await handle(town.delivery(request), house), Postponed)
    town.clock.passes(minutes=1)
    result = await handle(town.delivery(request, attempt=2), house)
    assert isinstance(result, Reply)
    told = said(result.message)
    assert (told["outcome"], "since" in told) == ("recorded", False)
    assert told["recorded"][:16] == ("2026-11-21T20:15" if after else "2026-11-21T20:16")
    assert len(doors["melderegister"].touched) == 2
    assert len(entries(town.root)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["not written", "written"])
@pytest.mark.parametrize(
    "fault",
    [RegisterProtocol("melderegister"), LookupError("nobody foresaw this")],
    ids=["a fault", "a mistake"],
)
async def test_a_fault_for_good_ends_as_it_happened(town: Town, fault: Exception, after: bool) -> None:
    """No retry would help, and the register is asked all the same what it did."""
    request = await submits(town, ORDINARY)
    house, _ = guarded(town.opened.house, town.opened.store, writes=failing(fault, after))
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert result.message.type == ("submit.receipt" if after else "submit.failure")
    assert len(entries(town.root)) == after


async def test_words_that_fail_do_not_deny_what_was_written(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt that its language can't say is said in JSON."""
    edit(town, "registers/melderegister.toml", 'de = "Bürgeramt Musterstadt"', 'de = "漢字"')
    await takes_over(town)
    result = await handle(town.delivery(await submits(town, ORDINARY, "xeinmal/1.0")), town.opened.house)
    assert isinstance(result, Reply)
    assert (result.message.type, result.message.content_type) == ("submit.receipt", "application/json")
    assert said(result.message)["outcome"] == "recorded"


# --- at the same time --------------------------------------------------------------------------------------------
async def test_the_same_submission_many_times_at_once_is_one_write(
    town: Town, exceptions_watched: object
) -> None:
    """All are at the register's door before the first is through: one write, one end, the same bytes."""
    request = await submits(town, ORDINARY)
    before = await lines(town.opened.store)
    all_write = asyncio.Barrier(5)

    async def together(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
        async with asyncio.timeout(10):
            await all_write.wait()
        return await real.write(mandate, values, replaces)

    house, _ = guarded(town.opened.house, town.opened.store, writes=together)
    results = await asyncio.gather(*(handle(town.delivery(request), house) for _ in range(5)))
    replies = [result.message for result in results if isinstance(result, Reply)]
    assert len(replies) == 5
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].type == "submit.receipt"
    assert list(every_end(await since(before, town.opened.store)).values()) == ["submitted"]
    assert len(entries(town.root)) == 1


async def test_of_two_different_submissions_at_once_one_is_a_conflict(town: Town) -> None:
    """Both name what was on file when they were sent: the second finds something else there, and says so. One that
    names the first one's values comes after it."""
    old = {"house_number": ORDINARY.house_number}
    rivals = [await submits(town, ORDINARY, values={"house_number": new}, replaces=old) for new in ("1", "2")]
    results = await asyncio.gather(*(handle(town.delivery(rival), town.opened.house) for rival in rivals))
    told = [said(result.message) for result in results if isinstance(result, Reply)]
    assert Counter(one.get("outcome", one.get("code")) for one in told) == {"recorded": 1, "conflict": 1}
    won = on_file(town, ORDINARY)["house_number"]
    assert told["12".index(won)]["outcome"] == "recorded"
    third = await submits(town, ORDINARY, values={"house_number": "3"}, replaces={"house_number": won})
    result = await handle(town.delivery(third), town.opened.house)
    assert isinstance(result, Reply)
    assert said(result.message)["outcome"] == "recorded"
    assert on_file(town, ORDINARY)["house_number"] == "3"
    assert len(entries(town.root)) == 2


async def test_the_same_submissions_in_two_processes_are_written_once(founded: Path, tmp_path: Path) -> None:
    """Each is delivered to both at once, twelve of them about one person: one write for each that was written, the
    same bytes from both, and what is on file is what the last one said."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    town = await towns.opened(root)
    old = {"house_number": ORDINARY.house_number}
    requests = [
        await submits(town, ORDINARY, values={"house_number": str(number)}, replaces=old)
        for number in range(1000, 1012)
    ]
    deliveries = [town.delivery(request) for request in requests]
    before = await lines(town.opened.store)
    told = racing.in_two_processes(root, deliveries)
    assert told[0] == told[1]
    assert len(told[0]) == len(deliveries)
    ends = Counter(every_end(await since(before, town.opened.store)).values())
    assert ends == {"submitted": 1, "refused": 11}
    assert len(entries(root)) == 1
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root))
