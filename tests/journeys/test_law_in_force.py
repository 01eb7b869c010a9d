"""The law in force stays in force, whole, until a right one follows: all of it or nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import killable
import pytest
import town as towns
from journal_lines import lines, since
from law_changes import edit, takes_over
from mistakes import signed
from processes import lived
from reloading import GRANT, ID, answered, keep_only, question
from town import IDS, Town

from adapters.keys import new_key
from gateway import jws
from gateway.assembly.policies import CONTEXT, unsealed
from gateway.cli.demo import home as demo_home
from gateway.errors import ConfigurationFault


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
    [code] = lived(killable.reload, str(root), fatal)
    assert code in (0, -signal.SIGKILL)
    yield (root / killable.STEPS).read_text().splitlines()[-1] if code else "done"


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
