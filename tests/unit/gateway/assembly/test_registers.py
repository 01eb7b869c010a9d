"""The registers of the policy in force: connected when asked, closed when nobody needs them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from law_sample import sample

from consent.policy import Policy
from consent.vocabulary import Person, Problem, Subject
from gateway.assembly.registers import Registers
from gateway.errors import ConfigurationFault, RegisterUnavailable

SUBJECT = Subject()


@dataclass
class Policies:
    """Port `Policies`, told by the test."""

    policy: Policy = field(default_factory=sample)

    def current(self) -> Policy:
        return self.policy

    async def refresh(self) -> Policy:
        return self.policy

    def move(self, digest: str, **changed: Any) -> None:
        self.policy = replace(self.policy, hash=digest, **changed)


@dataclass
class Office:
    """A register that answers when it is let, and knows whether it is closed."""

    policy: str
    let: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    async def persons(self, _subject: Subject) -> Sequence[Person]:
        await self.let.wait()
        assert not self.closed
        return (Person(None),)

    async def healthy(self) -> bool:
        return not self.closed

    def close(self) -> None:
        self.closed = True


@dataclass
class Built:
    """Builds offices, and remembers them."""

    offices: list[Office] = field(default_factory=list)

    def __call__(self, policy: Policy, name: str) -> Any:
        if name == "personenstandsregister":
            wrong = Problem("registers/x.toml", 3, "sql.url", "names a variable that is not set", "Set it.")
            raise ConfigurationFault((wrong,))
        office = Office(policy.hash)
        self.offices.append(office)
        return office


async def test_a_register_is_connected_once_for_each_policy() -> None:
    """Not before it is asked; with another policy anew."""
    policies, built = Policies(), Built()
    registers = Registers(policies, built)
    assert set(registers) == {"melderegister", "personenstandsregister"}
    assert built.offices == []
    for _ in range(2):
        assert await registers["melderegister"].healthy()
    assert len(built.offices) == 1
    policies.move("second")
    assert await registers["melderegister"].healthy()
    assert [office.policy for office in built.offices] == [sample().hash, "second"]


async def test_what_is_in_use_is_closed_when_it_is_done() -> None:
    """The policy before keeps its connections until the next switch, and for as long as somebody asks there."""
    policies, built = Policies(), Built()
    registers = Registers(policies, built)
    asking = asyncio.create_task(registers["melderegister"].persons(SUBJECT))
    await asyncio.sleep(0)
    for digest in ("second", "third"):
        policies.move(digest)
        assert await registers["melderegister"].healthy()
    assert [office.closed for office in built.offices] == [False, False, False]
    built.offices[0].let.set()
    assert await asking == (Person(None),)
    assert [office.closed for office in built.offices] == [True, False, False]
    policies.move("fourth")
    assert await registers["melderegister"].healthy()
    assert [office.closed for office in built.offices] == [True, True, False, False]
    registers.close()
    assert all(office.closed for office in built.offices)


async def test_a_register_that_can_not_be_connected_here_is_down() -> None:
    """The others answer; a process that lacks a variable does not fail messages it could not decide."""
    registers = Registers(Policies(), Built())
    assert not await registers["personenstandsregister"].healthy()
    with pytest.raises(RegisterUnavailable):
        await registers["personenstandsregister"].persons(SUBJECT)
    assert await registers["melderegister"].healthy()


async def test_a_register_that_is_gone_can_be_finished_with_and_not_be_found() -> None:
    """What is under way may still ask the policy before; after the next switch there is none of that name."""
    policies, built = Policies(), Built()
    registers = Registers(policies, built)
    door = registers["melderegister"]
    assert await door.healthy()
    policies.move("second", registers={})
    assert list(registers) == []
    assert await registers["melderegister"].healthy()
    policies.move("third")
    assert not await door.healthy()
    assert registers.get("melderegister") is None
    assert len(registers) == 0
