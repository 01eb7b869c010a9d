"""A revoked grant opens nothing from its commit on, also for what is under way; and nothing else changes with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import planted
import pytest
import town as towns
from journal_lines import lines, since
from law_changes import edit, takes_over
from odd_register import guarded
from reloading import ID, answered, keep_only, question
from town import Town

from adapters.keys import read_key
from consent.policy import archive, unpack
from consent.revocation import revokes, written
from consent.vocabulary import Found, NotFound
from gateway import jws
from gateway.assembly.policies import CONTEXT
from gateway.audit.record import Digests, Event, Kind
from gateway.cli.demo import home as demo_home
from gateway.errors import ConfigurationFault
from gateway.exchange import handle
from gateway.ports import Entry, JournalStore, Register
from gateway.stages import Mandate, Reply


async def revokes_grant(town: Town, name: str = ID, signer: str = demo_home.APPROVER) -> None:
    """Another process revokes a grant."""
    other = await towns.opened(town.root, town.clock)
    try:
        law = other.opened.house.policies.current()
        statement = revokes(law.grants[name], "Pilotbetrieb beendet", town.clock.now())
        key = read_key(demo_home.key_file(town.root, f"people/{signer}"))
        file = written(statement, jws.sign_file(statement.body(), [key]).encode())
        assert (await other.opened.law.revoke(statement, file)).changed
    finally:
        await other.opened.close()


async def test_a_revocation_between_decision_and_settlement_keeps_the_evidence_inside(
    town: Town, exceptions_watched: object
) -> None:
    """The register has answered already; nothing of it leaves."""
    request = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        answer = await real.fetch(mandate)
        await revokes_grant(town)
        return answer

    house, doors = guarded(town.opened.house, town.opened.store, meanwhile)
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    told = await since(before, town.opened.store)
    assert len(doors["melderegister"].touched) == 1
    assert [line.kind for line in told if line.exchange] == ["asked", "refused"]
    assert told[-1].event["reasons"] == ["no-grant"]
    assert not any(marker.encode() in result.message.body for marker in planted.MARKERS)


async def test_a_revocation_carries_nothing_else_along(town: Town) -> None:
    """A draft and another process's changed file lie there: the revocation counts at once, they do not."""
    edit(town, "grants/parken.toml", '"street"', '"stret"', signed=False)
    edit(town, "consumers/kitaverwaltung.toml", "kitaverwaltung-", "fremder-")
    before = town.opened.house.policies.current()
    await revokes_grant(town)
    after = await town.opened.house.policies.refresh()
    assert after.revocations.keys() == {ID}
    assert after.consumers == before.consumers
    assert after.grants == before.grants
    assert (await answered(town, await question(town)))["code"] == "no-grant"


async def test_a_revocation_does_not_judge_other_signatures_again(town: Town) -> None:
    """Everybody else's key may have ended since: closing one door needs no signature but one."""
    keep_only(town, "leitung-standesamt", until="2026-11-30T00:00:00Z")
    assert await town.opened.adopt_policy()
    town.clock.passes(days=30)
    await revokes_grant(town)
    after = await town.opened.house.policies.refresh()
    assert "kita-birth" in {grant.id for grant in after.deciding()}


async def test_a_revocation_whose_file_is_gone_stops_the_next_reload(town: Town) -> None:
    """It stays in force, and who takes its file away is told."""
    await revokes_grant(town)
    (town.root / f"grants/{ID}.revoked").unlink()
    with pytest.raises(ConfigurationFault, match=f"grant '{ID}' was revoked"):
        await takes_over(town)
    assert (await answered(town, await question(town)))["code"] == "no-grant"


async def test_a_revocation_outlives_a_law_that_can_not_be_read_any_more(town: Town) -> None:
    """Another version of the program finds a mistake in the law in force: what that one closed stays closed."""
    await revokes_grant(town)
    (town.root / f"grants/{ID}.revoked").unlink()
    files = unpack((await town.opened.house.policies.refresh()).archived)
    packed = archive({**files, "purposes.toml": files["purposes.toml"] + b"[no-longer-known]\n"})
    digest, time = sha256(packed).hexdigest(), town.clock.now().isoformat().encode()
    kept = town.opened.keys.wrap(time + b"\n" + packed, CONTEXT + digest)
    told = Event(kind=Kind.POLICY_LOADED, time=town.clock.now(), digests=Digests(policy=digest))
    await town.opened.journal.house_event(told, told.time, policy=(digest, kept))
    with pytest.raises(ConfigurationFault, match=f"grant '{ID}' was revoked"):
        await takes_over(town)
    assert not (await town.opened.house.policies.refresh()).grants


@dataclass(slots=True)
class Interrupted:
    """Port `JournalStore`: something happens just before the first line is written."""

    real: JournalStore
    meanwhile: Callable[[], Awaitable[None]]
    done: bool = False

    async def append(self, entry: Entry) -> Any:
        if not self.done:
            self.done = True
            await self.meanwhile()
        return await self.real.append(entry)


async def test_a_revocation_during_a_reload_is_not_lost(town: Town) -> None:
    """The reload has examined everything and is about to switch: it notices, and examines again."""
    edit(town, "grants/parken.toml", "valid_to = 2027-12-31", "valid_to = 2027-06-30")
    opened = town.opened
    journal = copy(opened.journal)
    vars(journal)["_store"] = Interrupted(opened.store, lambda: revokes_grant(town))
    switch = await replace(opened.law, journal=journal).adopt()
    assert switch.before is not None
    assert switch.before.revocations.keys() == switch.after.revocations.keys() == {ID}
    assert f"{switch.after.grants['parken-residence'].valid_to}" == "2027-06-30"
    assert await opened.house.policies.refresh() == switch.after
