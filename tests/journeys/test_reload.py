"""The law changes while messages are under way: all of it or nothing, at once, in every process, without restart."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import killable
import planted
import pytest
import town as towns
from journal_lines import every_end, lines, since
from law_changes import edit, takes_over
from letters import asking
from mistakes import new_grant, signed
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, Town

from adapters.keys import new_key, read_key, write_key
from consent.revocation import revokes, written
from consent.vocabulary import Found, NotFound
from gateway import client, jws, serve
from gateway.assembly import Opened
from gateway.assembly.policies import CONTEXT, unsealed
from gateway.cli.demo import home as demo_home
from gateway.errors import ConfigurationFault, RegisterUnavailable
from gateway.exchange import handle
from gateway.ports import Entry, JournalStore, Outbound, Register
from gateway.stages import Mandate, Reply

GRANT: Final = "grants/wohngeld.toml"
ID: Final = "wohngeld-residence"
SPAWN: Final = multiprocessing.get_context("forkserver")


async def question(town: Town, **changed: Any) -> Outbound:
    asked = town.asks(ORDINARY, **({"case": f"WG-{IDS.new()}"} | changed))
    await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


async def answered(town: Town, request: Outbound) -> dict[str, Any]:
    """Out: what the house says to a message."""
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    return dict(json.loads(result.message.body))


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


@asynccontextmanager
async def serving(opened: Opened) -> AsyncIterator[None]:
    """Meanwhile the house takes from its bus."""
    bus, stop = await opened.bus(), asyncio.Event()
    running = asyncio.create_task(serve.serve(opened.service(bus), stop))
    try:
        yield
    finally:
        stop.set()
        await running
        await bus.close()


# --- a revocation -----------------------------------------------------------------------------------------------
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


# --- a reload ---------------------------------------------------------------------------------------------------
async def test_a_reload_while_messages_are_under_way_loses_none(
    town: Town, exceptions_watched: object
) -> None:
    """Two processes of one home take from one bus; a third switches the law ten times meanwhile. Every message ends
    once, what leaves is what some law in force permitted, and both processes follow."""
    other = await towns.opened(town.root, town.clock)
    asked = [await question(town) for _ in range(60)]
    bus = town.opened.consumer_bus()
    before = await lines(town.opened.store)
    async with serving(town.opened), serving(other.opened):
        for number, request in enumerate(asked):
            await bus.publish(request)
            if number % 6 == 0:
                left, right = (
                    ("2027-12-31", "2027-12-30") if number % 12 == 0 else ("2027-12-30", "2027-12-31")
                )
                edit(town, GRANT, f"valid_to = {left}", f"valid_to = {right}")
                await takes_over(town)
        replies = [await bus.reply(one.reply_to, one.message_id, 30) for one in asked]
    assert [reply.type for reply in replies if reply is not None] == ["evidence.answer"] * 60
    ends = every_end(await since(before, town.opened.store))
    assert list(ends.values()) == ["answered"] * 60
    law = (await town.opened.house.policies.refresh()).hash
    for place in (town, other):
        assert (await answered(place, await question(place)))["values"]
        assert place.opened.house.policies.current().hash == law
    await bus.close()
    await other.opened.close()


async def test_a_new_register_and_a_new_consumer_need_no_restart(town: Town) -> None:
    """Added by a reload from elsewhere, while the house serves: asked and answered with its next message."""
    with pytest.raises(KeyError):
        town.opened.house.registers["hundesteuer"]
    async with serving(town.opened):
        add_register(town)
        add_consumer(town, "ordnungsamt")
        changes = ("kitaverwaltung", "ordnungsamt"), ("melderegister", "hundesteuer"), ("residence", "dog")
        new_grant(town.root, "hunde", *changes)
        signed(town.root, "grants/hunde.toml", "leitung-hundesteuer", demo_home.APPROVER)
        await takes_over(town)
        place = await towns.opened(town.root, town.clock)
        record = place.parking(ORDINARY, evidence="dog", register="hundesteuer", fields=["town"])
        record |= {"purpose": "housing-benefit", "procedure": "wohngeld-antrag"}
        record["author"] = {"directory": "einmal", "id": "ordnungsamt", "name": "Ordnungsamt"}
        request = asking(place, record, "json/1.0", consumer="ordnungsamt")
        bus = place.opened.consumer_bus()
        reply = await client.ask(bus, request, place.consumer("ordnungsamt"), place.gateway, 30)
        await bus.close()
        await place.opened.close()
    assert reply is not None
    assert json.loads(reply.message.body)["values"] == {"town": "Hundestadt"}
    assert "hundesteuer" in town.opened.house.registers


async def test_what_was_decided_is_fetched_as_it_was_decided(town: Town) -> None:
    """A register whose columns change between decision and fetch is asked as the decision's law connects it; the next
    question is asked as the new law does."""
    request = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        edit(town, "registers/melderegister.toml", 'family_name = "familienname"', 'family_name = "ort"')
        await takes_over(town)
        await town.opened.house.policies.refresh()
        found = await real.fetch(mandate)
        assert isinstance(found, Found)
        assert found.values["family_name"] == ORDINARY.family_name
        return found

    house, _ = guarded(town.opened.house, town.opened.store, meanwhile)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert json.loads(result.message.body)["values"]["family_name"] == ORDINARY.family_name
    assert (await answered(town, await question(town)))["values"]["family_name"] == planted.TOWN


async def test_a_connection_two_laws_old_is_closed_and_asked_no_more(town: Town) -> None:
    """Who comes that late is put off, and decides again."""
    request = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        for old, new in (("2027-12-31", "2027-12-30"), ("2027-12-30", "2027-12-29")):
            edit(town, GRANT, f"valid_to = {old}", f"valid_to = {new}")
            await takes_over(town)
            await town.opened.house.policies.refresh()
            assert len(town.opened.house.registers) > 1
        with pytest.raises(RegisterUnavailable):
            await real.fetch(mandate)
        raise RegisterUnavailable(real.id)

    house, _ = guarded(town.opened.house, town.opened.store, meanwhile)
    assert not isinstance(await handle(town.delivery(request), house), Reply)
    assert (await answered(town, await question(town)))["values"]


# --- what is no law ---------------------------------------------------------------------------------------------
def unsigned(town: Town) -> None:
    (town.root / GRANT).with_suffix(".sig").unlink()


def altered(town: Town) -> None:
    edit(town, GRANT, '"moved_in"', '"sex"', signed=False)


def singly(town: Town) -> None:
    signed(town.root, GRANT, "leitung-buergeramt")


def twice(town: Town) -> None:
    signed(town.root, GRANT, demo_home.APPROVER, demo_home.APPROVER)


def expired(town: Town) -> None:
    edit(town, GRANT, "valid_to = 2027-12-31", "valid_to = 2025-12-31")


def wildcard(town: Town) -> None:
    edit(town, GRANT, '"moved_in"', '"*"')


def overlapping(town: Town) -> None:
    shutil.copy(town.root / GRANT, town.root / "grants/zweite.toml")
    file = town.root / "grants/zweite.toml"
    file.write_text(file.read_text("utf-8").replace(ID, "zweite"), "utf-8")
    signed(town.root, "grants/zweite.toml")


@pytest.mark.parametrize("spoil", [unsigned, altered, singly, twice, expired, wildcard, overlapping])
async def test_what_is_not_right_grants_nothing_and_stops_nobody(town: Town, spoil: Any) -> None:
    """Not adopted, and no line says it was; the house goes on under the law it has, also after a restart."""
    before, law = await lines(town.opened.store), town.opened.house.policies.current().hash
    spoil(town)
    with pytest.raises(ConfigurationFault) as wrong:
        await takes_over(town)
    assert all(one.line for one in wrong.value.problems)
    restarted = await towns.opened(town.root, town.clock)
    assert restarted.opened.house.policies.current().hash == law
    assert not await restarted.opened.law.begin()
    assert await restarted.opened.law.pending()
    assert (await answered(restarted, await question(restarted)))["values"]
    told = await since(before, restarted.opened.store)
    await restarted.opened.close()
    assert {line.kind for line in told} == {"consent.given", "asked", "answered"}


async def test_a_home_that_never_had_a_law_does_not_begin_with_a_wrong_one(tmp_path: Path) -> None:
    """Nothing is in force yet, so nothing is started."""
    town = await towns.found(tmp_path / "home")
    await town.opened.close()
    fresh = tmp_path / "fresh"
    shutil.copytree(town.root, fresh)
    with closing(sqlite3.connect(fresh / "data/einmal.sqlite3")) as database, database:
        database.execute("DELETE FROM current_policy")
    begun = await towns.opened(fresh, town.clock)
    assert await begun.opened.law.begin()
    assert not await begun.opened.law.begin()
    await begun.opened.close()
    with closing(sqlite3.connect(fresh / "data/einmal.sqlite3")) as database, database:
        database.execute("DELETE FROM current_policy")
    (fresh / "consumers/leer.toml").touch()
    with pytest.raises(ConfigurationFault, match="is empty"):
        await towns.opened(fresh, town.clock)


async def test_a_restart_is_no_change_of_law(town: Town) -> None:
    """A right file that nobody reloaded counts no more than a wrong one: whoever can write a file makes no law."""
    key = new_key(IDS, "wohngeldstelle-2099")
    edit(
        town,
        "consumers/wohngeldstelle.toml",
        "[[key]]",
        f'[[key]]\nkid = "{key.kid}"\nuse = "sig"\nvalid_from = 2026-01-01T00:00:00Z\n'
        f'valid_to = 2027-01-01T00:00:00Z\njwk = {{ kty = "OKP", crv = "Ed25519", x = "{jws.public_jwk(key)["x"]}" }}\n'
        "[[key]]",
    )
    restarted = await towns.opened(town.root, town.clock)
    assert not await restarted.opened.law.begin()
    assert restarted.opened.house.policies.current().key(key.kid) is None
    await restarted.opened.close()
    await takes_over(town)
    assert (await town.opened.house.policies.refresh()).key(key.kid) is not None


# --- signatories' keys ------------------------------------------------------------------------------------------
def keep_only(town: Town, person: str, until: str) -> None:
    """That person's key ends then."""
    file = town.root / f"people/{person}.toml"
    text = re.sub("(?m)^valid_to = .*$", f"valid_to = {until}", file.read_text("utf-8"))
    file.write_text(text, "utf-8")


async def test_a_key_that_ends_at_night_stops_no_house(town: Town) -> None:
    """The policy was judged when it was adopted; the same files stay right, with a warning, until they change."""
    keep_only(town, demo_home.APPROVER, "2026-11-30T00:00:00Z")
    assert await town.opened.adopt_policy()
    town.clock.passes(days=30)
    restarted = await towns.opened(town.root, town.clock)
    assert restarted.opened.house.policies.current().hash == town.opened.house.policies.current().hash
    found = await restarted.opened.law.examine()
    assert (found.problems, found.pending) == ((), False)
    assert {one.file for one in found.warnings} == {
        f"grants/{file.name}" for file in (town.root / "grants").glob("*.toml")
    }
    assert all("whose key ended on 2026-11-30" in one.wrong for one in found.warnings)
    edit(town, "purposes.toml", "[[purpose]]", "# anew\n[[purpose]]")
    changed = await restarted.opened.law.examine()
    assert {one.wrong for one in changed.problems} == {one.wrong for one in found.warnings}
    await restarted.opened.close()


async def test_the_time_of_judging_can_not_be_set_back(town: Town) -> None:
    """It is sealed with the policy: who can write to the database can't make an ended key count."""
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database:
        ((kept,),) = database.execute("SELECT archive FROM policy").fetchall()
    assert b"2026" not in kept


async def test_a_law_sealed_by_an_older_version_stays_in_force(town: Town) -> None:
    """It has no time of its judging, so it is judged now; the next reload gives it one."""
    law, keys = town.opened.house.policies.current(), town.opened.keys
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database, database:
        old = keys.wrap(law.archived, CONTEXT + law.hash)
        database.execute("UPDATE policy SET archive = ?", (old,))
    restarted = await towns.opened(town.root, town.clock)
    assert restarted.opened.house.policies.current() == law
    assert not await restarted.opened.law.begin()
    assert not await restarted.opened.adopt_policy()
    await restarted.opened.close()
    kept = await town.opened.store.policy()
    assert kept is not None
    assert unsealed(*kept, keys) == (town.clock.now(), law.archived)


# --- a reload that dies -----------------------------------------------------------------------------------------
@contextmanager
def killed(root: Path, fatal: int) -> Iterator[str]:
    """Out: the last step of a reload that died."""
    (root / killable.STEPS).unlink(missing_ok=True)
    process = SPAWN.Process(target=killable.reload, args=(str(root), fatal))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    yield (root / killable.STEPS).read_text().splitlines()[-1] if process.exitcode else "done"


def test_a_reload_that_dies_leaves_the_old_law_or_the_new_one(founded: Path, tmp_path: Path) -> None:
    """Killed before its line: the old law, whole; after it: the new one, whole. The next reload goes on from there."""
    seen: dict[str, bool] = {}
    for fatal in range(10):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(founded, root)
        file = root / GRANT
        file.write_text(file.read_text("utf-8").replace("to = 2027-12-31", "to = 2027-06-30"), "utf-8")
        signed(root, GRANT)
        with killed(root, fatal) as step:
            if step == "done":
                break
            seen[step.split(" ", 1)[1]] = asyncio.run(_is_new(root))
    assert seen["before store.append"] is False
    assert seen["after store.append"] is True
    assert list(seen.values()) == sorted(seen.values())


async def _is_new(root: Path) -> bool:
    """Out: which law is in force; the next reload and the log are right either way."""
    place = await towns.opened(root)
    new = f"{place.opened.house.policies.current().grants[ID].valid_to}" == "2027-06-30"
    assert await place.opened.adopt_policy() is not new
    told = [
        line.event["digests"]["policy"]
        for line in await lines(place.opened.store)
        if line.kind == "policy.loaded"
    ]
    assert len(told) == len(set(told)) == 2
    await place.opened.close()
    return new


# --- new parties ------------------------------------------------------------------------------------------------
def add_register(town: Town) -> None:
    """A register with one row, and its owner."""
    with closing(sqlite3.connect(town.root / "registers/hundesteuer.sqlite3")) as database, database:
        database.execute(
            "CREATE TABLE halter (id TEXT, familienname TEXT, vornamen TEXT, geburtsdatum TEXT, ort TEXT)"
        )
        row = (
            "h1",
            ORDINARY.family_name,
            ORDINARY.given_names,
            ORDINARY.birth_date.isoformat(),
            "Hundestadt",
        )
        database.execute("INSERT INTO halter VALUES (?, ?, ?, ?, ?)", row)
    (town.root / "registers/hundesteuer.toml").write_text(
        'id = "hundesteuer"\ntitle = { de = "Hundesteuer", en = "Dog tax" }\n'
        'authority = { de = "Stadtkasse", en = "Treasury" }\nadapter = "sql"\n'
        '[sql]\nurl = "sqlite:///registers/hundesteuer.sqlite3"\ntable = "halter"\nkey = "id"\nblocked = false\n'
        '[sql.match]\nfamily_name = "familienname"\ngiven_name = "vornamen"\nbirth_date = "geburtsdatum"\n'
        '[[evidence]]\ntype = "dog"\ntitle = { de = "Hund", en = "Dog" }\n[evidence.fields]\ntown = "ort"\n',
        "utf-8",
    )
    add_party(town, "people", "leitung-hundesteuer", "leitung-buergeramt")
    edit(town, "people/leitung-hundesteuer.toml", '"melderegister"', '"hundesteuer"')


def add_consumer(town: Town, name: str) -> None:
    add_party(town, "consumers", name, "kitaverwaltung")


def add_party(town: Town, folder: str, name: str, like: str) -> None:
    """A file like another party's, with a key of its own."""
    old = read_key(demo_home.key_file(town.root, f"{folder}/{like}"))
    key = new_key(IDS, old.kid.replace(like, name))
    write_key(demo_home.key_file(town.root, f"{folder}/{name}"), key)
    text = (town.root / f"{folder}/{like}.toml").read_text("utf-8").replace(like, name)
    text = text.replace(jws.public_jwk(old)["x"], jws.public_jwk(key)["x"])
    (town.root / f"{folder}/{name}.toml").write_text(text, "utf-8")
