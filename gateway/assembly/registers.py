"""The registers of the policy in force: another policy brings other registers, columns and connections, at once.

What was decided under a policy is fetched as that policy says: the registers of the policy before stay open until the
next switch, and longer while they are in use. Whoever comes too late for that is put off, and decides again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from adapters.registers.sql import SqlRegister
from consent.policy import Policy
from consent.vocabulary import Blocked, Conflict, Filed, Found, NotFound, OnFile, Person, Subject
from gateway.errors import ConfigurationFault, RegisterUnavailable
from gateway.ports import Policies, Register
from gateway.stages import Mandate
from gateway.telemetry import logger

_Out = TypeVar("_Out")
Build = Callable[[Policy, str], SqlRegister]
"""In: a policy, a register's id. Out: the register as that policy connects it. Raises: ConfigurationFault."""
_KEPT: Final = 2
"""Policies whose registers are open: the one in force, and the one before."""


class Registers(Mapping[str, Register]):
    """By id: those of the policy in force."""

    def __init__(self, policies: Policies, build: Build) -> None:
        self._policies, self._build = policies, build
        self._generations: list[_Generation] = []

    def __getitem__(self, name: str) -> Register:
        if not any(name in generation.policy.registers for generation in self._current()):
            raise KeyError(name)
        return _Door(name, self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._current()[0].policy.registers)

    def __len__(self) -> int:
        return len(self._current()[0].policy.registers)

    async def use(self, name: str, policy: str | None, work: Callable[[Register], Awaitable[_Out]]) -> _Out:
        """Do something with a register as a policy (None: the one in force) connects it.

        Raises: RegisterUnavailable, also when that policy's registers are closed by now, or can't be connected here.
        """
        found = [
            one
            for one in self._current()
            if policy in (None, one.policy.hash) and name in one.policy.registers
        ]
        if not found:
            raise RegisterUnavailable(name)
        return await found[0].use(name, work)

    def close(self) -> None:
        """Give up every connection."""
        for generation in self._generations:
            generation.close()
        self._generations = []

    def _current(self) -> Sequence[_Generation]:
        """Out: the generations that are open, the policy in force first."""
        policy = self._policies.current()
        if not self._generations or self._generations[0].policy.hash != policy.hash:
            self._generations.insert(0, _Generation(policy, self._build))
            for old in self._generations[_KEPT:]:
                old.retire()
            del self._generations[_KEPT:]
        return self._generations


class _Generation:
    """One policy's registers, each connected when it is first used."""

    def __init__(self, policy: Policy, build: Build) -> None:
        self.policy, self._build = policy, build
        self._open: dict[str, SqlRegister] = {}
        self._busy, self._retired = 0, False

    async def use(self, name: str, work: Callable[[Register], Awaitable[_Out]]) -> _Out:
        register = self._register(name)
        self._busy += 1
        try:
            return await work(register)
        finally:
            self._busy -= 1
            if self._retired and not self._busy:
                self.close()

    def retire(self) -> None:
        """Close as soon as nobody uses it."""
        self._retired = True
        if not self._busy:
            self.close()

    def close(self) -> None:
        for register in self._open.values():
            register.close()
        self._open = {}

    def _register(self, name: str) -> SqlRegister:
        if name not in self._open:
            try:
                self._open[name] = self._build(self.policy, name)
            # A variable or a file that this process, or machine, doesn't have.
            except ConfigurationFault as wrong:
                place = wrong.problems[0]
                logger().error("register-unusable", register=name, file=place.file, line=place.line)
                raise RegisterUnavailable(name) from None
        return self._open[name]


class _Door:
    """Port `Register`: the register of that name, as the policy says under which it is asked."""

    def __init__(self, name: str, registers: Registers) -> None:
        self._name, self._registers = name, registers

    @property
    def id(self) -> str:
        return self._name

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        policy = mandate.permit.policy
        return await self._registers.use(self._name, policy, lambda register: register.fetch(mandate))

    async def write(
        self, mandate: Mandate, values: Mapping[str, str], replaces: Mapping[str, str]
    ) -> Filed | OnFile | Conflict | Blocked | NotFound:
        policy = mandate.permit.policy
        return await self._registers.use(
            self._name, policy, lambda register: register.write(mandate, values, replaces)
        )

    async def filed(self, exchange: str) -> Filed | None:
        return await self._registers.use(self._name, None, lambda register: register.filed(exchange))

    async def persons(self, subject: Subject) -> Sequence[Person]:
        return await self._registers.use(self._name, None, lambda register: register.persons(subject))

    async def healthy(self) -> bool:
        try:
            return await self._registers.use(self._name, None, lambda register: register.healthy())
        except RegisterUnavailable:
            return False
