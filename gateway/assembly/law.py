"""The law of a house changes here, and nowhere else: examined whole, archived and switched in one transaction.

The files are a proposal; the law in force is the store's. `adopt` makes the one the other, or says everything that is
wrong and changes nothing. `revoke` takes one grant out of the law in force and carries nothing else along.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters import atomic
from adapters.keys import FileKeys
from adapters.storage.store import SqlStore
from consent.approval import unapproved
from consent.parties import Register
from consent.policy import Policy, archive, from_archive, unpack
from consent.problems import Document, validated
from consent.revocation import Revocation, file_of, forgotten
from consent.tables import texts
from consent.vocabulary import Problem
from gateway.assembly import buses, parts
from gateway.assembly.policies import Adopted, StorePolicies, in_force, sealed
from gateway.audit.note import parse_vkey
from gateway.audit.record import Digests, Event, Kind
from gateway.config.home import Home, Reading, connection_problems, in_order, read_files
from gateway.config.settings import Einmal
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault, JournalUnavailable
from gateway.journal import Journal
from gateway.ports import Clock, Standing
from gateway.stages import Moved
from xoev_schemas.languages import Languages

_TRIES: Final = 5
"""How often another process may switch in between before that is a fault."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the files of a home are worth now."""

    home: Home | None
    """The home that the files are, if nothing is wrong with them."""
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    """Signatures that counted when the law in force was adopted, and would not now."""
    in_force: Policy | None
    """The law in force; None when none was ever adopted."""

    @property
    def pending(self) -> bool:
        """Whether the files say something else than the law in force, right or wrong."""
        return self.home is None or self.in_force is None or self.home.policy.hash != self.in_force.hash


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of law, done."""

    before: Policy | None
    after: Policy

    @property
    def changed(self) -> bool:
        return self.before is None or self.before.hash != self.after.hash


@dataclass(frozen=True, slots=True)
class Law:
    """How the law of one house is examined and changed."""

    root: Path
    settings: Einmal
    store: SqlStore
    keys: FileKeys
    journal: Journal
    policies: StorePolicies
    clock: Clock
    languages: Languages

    async def examine(self) -> Findings:
        """Compare the files with each other, with the registers' databases, with what is spoken here, and with the
        law in force; and see that there is a bus. Changes nothing. Raises: BusUnavailable."""
        return self._examined(await in_force(self.store, self.keys, self.clock.now()), self._bus)

    async def look(self) -> tuple[Policy | None, Reading]:
        """Out: the law in force, if one was ever adopted, and the files beside it. Asks no register."""
        law = await in_force(self.store, self.keys, self.clock.now())
        standing = law.standing if law is not None else None
        policy = law.policy if law is not None else None
        return policy, read_files(self.root, verify, self.clock.now(), standing)

    async def pending(self) -> bool:
        """Out: whether the files say something else than the law in force, right or wrong."""
        law, reading = await self.look()
        return law is None or reading.policy is None or reading.policy.hash != law.hash

    async def begin(self) -> bool:
        """Adopt the files if no law was ever in force. A restart is no change of law: once there is one, only `adopt`
        replaces it. Out: whether they were adopted. Raises: as `adopt`."""
        law = await in_force(self.store, self.keys, self.clock.now())
        if law is not None and not law.readable:
            mend = "See that `einmal check` is content with the files, then `einmal reload`."
            wrong = "can't be read by this version of the program"
            raise ConfigurationFault((Problem("(law in force)", None, law.policy.hash[:12], wrong, mend),))
        if law is not None and not await self.policies.is_told():
            mend = "See what `einmal log verify` says, then put the files in force: `einmal reload`."
            wrong = "is not the one that the log told last: somebody put it there"
            raise ConfigurationFault((Problem("(law in force)", None, law.policy.hash[:12], wrong, mend),))
        if law is not None:
            return False
        return (await self.adopt()).changed

    async def adopt(self) -> Switch:
        """Make the files the law in force, all of it or nothing.

        Raises: ConfigurationFault with every problem, BusUnavailable, JournalUnavailable: nothing was changed.
        """
        for _ in range(_TRIES):
            before = await in_force(self.store, self.keys, self.clock.now())
            found = self._examined(before)
            if found.home is None:
                raise ConfigurationFault(found.problems)
            after = Adopted(found.home.policy, found.home.judged)
            if await self._switched(before, after):
                return Switch(before.policy if before is not None else None, after.policy)
        raise JournalUnavailable("law")

    async def revoke(self, statement: Revocation, signed: bytes) -> Switch:
        """In: a revocation that holds, and its file. Write it into the home, then put it in force: the law stays what
        it is but for this, whatever the other files say by now, and whenever its signatures were judged.

        Raises: ConfigurationFault when the revocation does not hold in the law in force, JournalUnavailable.
        """
        for _ in range(_TRIES):
            before = await in_force(self.store, self.keys, self.clock.now())
            if before is None:
                raise ConfigurationFault((_nothing_in_force(),))
            packed = archive({**unpack(before.policy.archived), file_of(statement.grant): signed})
            policy = from_archive(packed, verify, before.judged)
            if isinstance(policy, tuple):
                raise ConfigurationFault(policy)
            _write(self.root / file_of(statement.grant), signed)
            # A crash here leaves it written and not in force: `check` says so, and revoking again puts it in force.
            if await self._switched(before, Adopted(policy, before.judged)):
                return Switch(before.policy, policy)
        raise JournalUnavailable("law")

    async def _switched(self, before: Adopted | None, after: Adopted) -> bool:
        """Out: False, when another process switched in between: nothing was changed, look again."""
        same = before is not None and before.policy.hash == after.policy.hash and before.dated
        if same and await self.policies.is_told():
            return True
        if before is None or _users(before.policy) != _users(after.policy):
            await buses.declare_queues(self.root, self.settings, self.clock, after.policy.consumers)
        # A crash here leaves queues that nobody is known for: what comes in there is not authentic.
        now = self.clock.now()
        told = Event(kind=Kind.POLICY_LOADED, time=now, digests=Digests(policy=after.policy.hash))
        switched = await self.journal.house_event(
            told,
            now,
            policy=(after.policy.hash, sealed(after, self.keys)),
            standing=Standing(before.policy.hash) if before is not None else None,
        )
        # A crash here leaves the new law in force and nobody told: every process follows with its next message.
        if isinstance(switched, Moved):
            return False
        await self.policies.refresh()
        return True

    def _examined(
        self, before: Adopted | None, more: Callable[[Reading], Iterable[Problem]] = lambda _: ()
    ) -> Findings:
        now = self.clock.now()
        reading = read_files(self.root, verify, now, before.standing if before is not None else None)
        problems = [*reading.problems, *self._around(reading), *more(reading)]
        law = before.policy if before is not None else None
        if law is not None and reading.policy is not None:
            problems += forgotten(law.revocations, reading.policy.revocations, now.date())
        warnings = unapproved(reading.documents, verify, now) if not problems else []
        home = reading.home() if not problems else None
        return Findings(home, in_order(problems), in_order(warnings), law)

    def _around(self, reading: Reading) -> Iterator[Problem]:
        """Out: what is wrong with that to which the files lead, for each file that is right in itself."""
        if reading.settings is not None and reading.settings_file is not None:
            yield from self._name(reading.settings, reading.settings_file)
        yield from self._flaws()
        for document in reading.documents:
            if document.file.startswith("consumers/"):
                yield from self._languages(document)
            elif document.file.startswith("registers/") and reading.settings is not None:
                law = validated(Register, document)[0]
                if law is not None and law.adapter in document.data and not connection_problems(document):
                    yield from parts.check_register(self.root, reading.settings, law, document)

    def _bus(self, reading: Reading) -> Iterable[Problem]:
        """Out: what is wrong with the bus. No change of law waits for it: who looks at the home is told."""
        if reading.settings is None or reading.settings_file is None:
            return ()
        return buses.check_bus(self.root, reading.settings, reading.settings_file)

    def _name(self, settings: Einmal, file: Document) -> Iterator[Problem]:
        """The log goes by the identity key's name: another one in the settings would begin a second log."""
        own = parse_vkey(self.keys.identity_vkey).name
        if own != settings.authority.name:
            mend = "Write that name, or restore keys/ from this house's backup."
            yield file.problem(("authority", "name"), f"is not {own}, as keys/identity.key has it", mend)

    def _flaws(self) -> Iterator[Problem]:
        place = self.settings.schemas.path
        for flaw in self.languages.flaws:
            yield Problem(
                f"{place}/{flaw.set}", None, flaw.file or "(set)", flaw.wrong, "Install the set again."
            )

    def _languages(self, document: Document) -> Iterator[Problem]:
        spoken = ", ".join(self.languages.spoken)
        for at, language in enumerate(texts(document.data, "standards")):
            if "/" in language and language not in self.languages.spoken:
                mend = f"Install its schemas with `einmal schemas add`, or choose from: {spoken}."
                yield document.problem(("standards", at), f"{language} is not spoken here", mend)


def _write(file: Path, signed: bytes) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.new")
    with beside.open("wb") as target:
        target.write(signed)
        target.flush()
        os.fsync(target.fileno())
    beside.replace(file)
    atomic.sync(file.parent)


def _users(policy: Policy) -> dict[str, str]:
    """Out: each consumer's user on the bus: with another one, or another consumer, the bus has a word in it."""
    return {name: one.bus_user for name, one in policy.consumers.items()}


def _nothing_in_force() -> Problem:
    return Problem(
        "grants", None, "(folder)", "nothing in it is in force yet", "Remove the grant from its file."
    )
