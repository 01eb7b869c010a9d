"""Exchanges that nobody goes on with are ended, once their deadline is over and no register has written for them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Fault, RegisterProtocol
from gateway.house import House
from gateway.journal.overdue import Overdue, event_of
from gateway.keeping.seen import Gap, Stuck
from gateway.ports import JournalStore, Register


async def end_overdue(stuck: Sequence[Stuck], house: House, store: JournalStore) -> Sequence[str]:
    """In: what a look has found. Out: the exchanges that were ended now.

    One for which a register has written something, or can't say, stays as it is: it did not end without effect.
    Raises: JournalUnavailable.
    """
    ended: list[str] = []
    for one in stuck:
        if one.gap is not Gap.OVERDUE or one.line is None or one.row is None:
            continue
        begun = await store.line(one.line)
        if begun is None:
            continue
        late = Overdue(one.row, begun)
        if not await _had_effect(late, house) and await house.journal.expire(late, house.clock.now()):
            ended.append(one.exchange)
    return ended


async def _had_effect(late: Overdue, house: House) -> bool:
    """Out: whether a register may have written for it."""
    said = event_of(late.begun)
    if said is None:  # it can't be read: whichever register it was about may have written
        return any([await _filed(register, late) for register in house.registers.values()])
    if said.register is None:
        return False
    grant = house.policies.current().grants.get(said.grant or "")
    if grant is not None and not grant.write:
        return False
    register = house.registers.get(said.register)
    return register is None or await _filed(register, late)


async def _filed(register: Register, late: Overdue) -> bool:
    try:
        return await register.filed(late.row.key.exchange) is not None
    except RegisterProtocol as fault:
        return fault.where == register.id  # else it is a register that is only ever read
    except Fault:
        return True
