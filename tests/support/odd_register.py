"""Port `Register`, standing before the real one: it sees that `asked` came first, and can be told to misbehave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from journal_lines import lines

from consent.vocabulary import Blocked, Conflict, Filed, Found, NotFound, OnFile, Person, Subject
from gateway.house import House
from gateway.ports import JournalStore, Register
from gateway.stages import Mandate

Behave: TypeAlias = Callable[[Mandate, Register], Awaitable[Found | NotFound]]
"""In: what the house shows at the door, the real register. Out: what this one answers, or it raises."""
Done: TypeAlias = Filed | OnFile | Conflict | Blocked | NotFound
Texts: TypeAlias = Mapping[str, str]
"""Values under the names of their fields."""
Write: TypeAlias = Callable[[Mandate, Texts, Texts, Register], Awaitable[Done]]
"""In: what the house submits at the door, the real register. Out: what this one says it did, or it raises."""


async def honest(mandate: Mandate, real: Register) -> Found | NotFound:
    """As the real register answers."""
    return await real.fetch(mandate)


async def dutiful(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
    """As the real register writes."""
    return await real.write(mandate, values, replaces)


@dataclass(slots=True)
class OddRegister:
    """A register that behaves as told. `touched` names the exchanges it was touched for."""

    real: Register
    store: JournalStore
    behave: Behave = honest
    writes: Write = dutiful
    touched: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.real.id

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        await self._touch(mandate)
        return await self.behave(mandate, self.real)

    async def write(self, mandate: Mandate, values: Texts, replaces: Texts) -> Done:
        await self._touch(mandate)
        return await self.writes(mandate, values, replaces, self.real)

    async def filed(self, exchange: str) -> Filed | None:
        return await self.real.filed(exchange)

    async def persons(self, subject: Subject) -> Sequence[Person]:
        return await self.real.persons(subject)

    async def healthy(self) -> bool:
        return await self.real.healthy()

    async def _touch(self, mandate: Mandate) -> None:
        """Fails unless the mandate's `asked` line already stands in the journal, durable, where it says."""
        stood = [line for line in await lines(self.store) if line.position == mandate.asked]
        assert [(line.kind, line.exchange) for line in stood] == [("asked", mandate.case.exchange)]
        self.touched.append(mandate.case.exchange)


def guarded(
    house: House, store: JournalStore, behave: Behave = honest, writes: Write = dutiful
) -> tuple[House, dict[str, OddRegister]]:
    """Out: the same house, each of its registers behind a door of this kind; and those doors."""
    doors = {name: OddRegister(real, store, behave, writes) for name, real in house.registers.items()}
    return replace(house, registers=dict(doors)), doors
