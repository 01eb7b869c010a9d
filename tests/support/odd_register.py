"""Port `Register`, standing before the real one: it sees that `asked` came first, and can be told to misbehave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from journal_lines import lines

from consent.vocabulary import Found, NotFound, Person, Subject
from gateway.exchange import House
from gateway.ports import JournalStore, Register
from gateway.stages import Mandate

Behave: TypeAlias = Callable[[Mandate, Register], Awaitable[Found | NotFound]]
"""In: what the house shows at the door, the real register. Out: what this one answers, or it raises."""


async def honest(mandate: Mandate, real: Register) -> Found | NotFound:
    """As the real register answers."""
    return await real.fetch(mandate)


@dataclass(slots=True)
class OddRegister:
    """A register that behaves as told. `touched` names the exchanges it was touched for."""

    real: Register
    store: JournalStore
    behave: Behave = honest
    touched: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.real.id

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        """Fails unless the mandate's `asked` line already stands in the journal, durable, where it says."""
        stood = [line for line in await lines(self.store) if line.position == mandate.asked]
        assert [(line.kind, line.exchange) for line in stood] == [("asked", mandate.case.exchange)]
        self.touched.append(mandate.case.exchange)
        return await self.behave(mandate, self.real)

    async def persons(self, subject: Subject) -> Sequence[Person]:
        return await self.real.persons(subject)

    async def healthy(self) -> bool:
        return await self.real.healthy()


def guarded(
    house: House, store: JournalStore, behave: Behave = honest
) -> tuple[House, dict[str, OddRegister]]:
    """Out: the same house, each of its registers behind a door of this kind; and those doors."""
    doors = {name: OddRegister(real, store, behave) for name, real in house.registers.items()}
    return replace(house, registers=dict(doors)), doors
