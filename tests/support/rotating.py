"""A house whose keys are rotated: what was made before, what is checked after, and a process that dies on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import town as towns
from killable import Steps
from letters import asking
from peopled import ORDINARY
from town import NOW, StillClock, Town

from adapters.keys.sealing import KEY_ID_BYTES
from consent.vocabulary import Subject
from gateway import assembly, client, person
from gateway.assembly.rotating import Rotations
from gateway.audit.note import parse_vkey
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.held import verify_held
from gateway.audit.verify.exported.verdict import Outcome
from gateway.errors import ConfigurationFault
from gateway.exchange import handle
from gateway.journal import Journal
from gateway.keeping.holding import Hold
from gateway.ports import Outbound
from gateway.stages import Reply
from gateway.views.export import disassemble

GATEWAY, LOG, IDENTITY, MASTER = "gateway", "log", "identity", "master"
EVERY: Final = (GATEWAY, LOG, IDENTITY, MASTER)
CHOICE: Final = "WG-rotated"
HOLD: Final = "hold-1"
LATER: Final = NOW + timedelta(minutes=10)
"""When keys are rotated."""
SETTLED: Final = LATER + timedelta(minutes=2)
"""When a former master key is needed no more."""
_WRITES: Final = frozenset({"append", "close_shard", "keep_checkpoint", "open_shard", "reseal"})


@dataclass(frozen=True, slots=True)
class Before:
    """What was made before anything was rotated."""

    fingerprint: str
    proof: bytes
    question: Outbound
    reply: bytes


async def furnish(town: Town) -> Before:
    """A decision is recorded, a question answered under it, what is known of the person held, an export made."""
    await town.chooses(ORDINARY, CHOICE)
    question = about(town)
    reply = await answered(town, question)
    until = NOW.date() + timedelta(days=900)
    held = Hold(HOLD, "court", "ZPO § 142", "leitung", until, subjects=(f"idnr:{ORDINARY.idnr}",))
    assert await town.opened.holds().place(held, town.clock.now())
    fingerprint = parse_vkey(town.opened.keys.identity_vkey).fingerprint
    return Before(fingerprint, await proof(town), question, reply.message.body)


def about(town: Town) -> Outbound:
    """Out: a question that stands on the decision."""
    return asking(town, town.asks(ORDINARY, case=CHOICE), "json/1.0")


async def answered(town: Town, question: Outbound) -> Reply:
    """Out: the reply, an answer that the consumer believes."""
    result = await handle(town.delivery(question), town.opened.house)
    assert isinstance(result, Reply)
    believed = client.verified(result.message, question, town.consumer("wohngeldstelle"), town.gateway)
    assert believed.message.type == "evidence.answer"
    return result


async def proof(town: Town) -> bytes:
    """Out: `proof.json` of the person's export."""
    whom = Subject(idnr=ORDINARY.idnr, birth_date=ORDINARY.birth_date)
    made = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    return disassemble(made.archive).proof.document


async def still_good(town: Town, before: Before) -> None:
    """What was made before is valid, what is made now is, and the log holds."""
    opened = town.opened
    assert verify_export(before.proof, before.fingerprint).outcome is Outcome.COMPLETE_IF_HONEST
    again = await handle(town.delivery(before.question), opened.house)
    assert isinstance(again, Reply)
    assert again.message.body == before.reply, "a kept reply opens, the same bytes"
    await answered(town, about(town))  # stands on the decision that the key before signed
    made, fingerprint = await proof(town), parse_vkey(opened.keys.identity_vkey).fingerprint
    held = await opened.holds().export(HOLD, town.clock.now())
    assert held is not None
    for known in (fingerprint, before.fingerprint):
        verdict = verify_export(made, known)
        assert verdict.outcome is Outcome.COMPLETE_IF_HONEST, verdict.findings
        assert verify_held(held, known).holds
    assert all(report.holds for report in assembly.verify_log(town.root))


def leftovers(root: Path) -> list[str]:
    """Out: what a rotation leaves in `keys/` that is not in use."""
    names = [path.name for path in (root / "keys").iterdir() if path.is_file()]
    return sorted(set(names) - {"master.key", "identity.key", "gateway.jwk", "lock"})


async def key_lines(town: Town) -> list[tuple[str, ...]]:
    """Out: kind and reasons of every line about a key."""
    found: list[tuple[str, ...]] = []
    for shard in await town.opened.store.shards():
        for stored in await town.opened.store.lines(shard.head.origin, 0, shard.head.size):
            event = json.loads(stored.line.event or b"{}")
            if str(event["kind"]).startswith("key."):
                found.append((event["kind"], *event["reasons"]))
    return found


# --- a process that dies --------------------------------------------------------------------------------------
def run(root: str, what: str, fatal: int | None, outcome: str | None = None) -> None:
    """Rotate a key, and whatever is left to do of it; die at step `fatal`. In: a file for how it ended."""
    asyncio.run(_run(Path(root), what, Steps(Path(root), fatal), outcome))


async def _run(root: Path, what: str, steps: Steps, outcome: str | None) -> None:
    town = await towns.opened(root, StillClock(LATER))
    rotations = stepping(town.opened.rotations(), steps, root)
    try:
        await rotate(rotations, what, LATER)
        ended = "rotated"
    except ConfigurationFault as refused:
        ended = refused.problems[0].wrong
    if what == MASTER and outcome is None:
        await rotations.finish(SETTLED)
    await town.opened.close()
    if outcome is not None:
        _tell(Path(outcome), ended)


def _tell(outcome: Path, ended: str) -> None:
    with outcome.open("a") as file:
        file.write(f"{ended}\n")


async def rotate(rotations: Rotations, what: str, now: datetime) -> object:
    match what:
        case "gateway":
            return await rotations.gateway(now)
        case "log":
            return await rotations.log(("24m", "12m"), now)
        case "identity":
            return await rotations.identity(now)
        case _:
            return await rotations.master(now)


def stepping(rotations: Rotations, steps: Steps, root: Path) -> Rotations:
    """Out: the same, each change of a key file and each write to the store being a step."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("os.rename", "os.remove", "os.utime", "os.mkdir"):
            return
        path = Path(os.fsdecode(arguments[0]))
        part = event == "os.remove" and path.suffix == ".part"  # thrown away, if there is one
        if root / "keys" in path.parents and not part:
            steps.step(f"{event} {path.name}")

    sys.addaudithook(watch)
    store, sealed = _Writing(rotations.store, steps), _Writing(rotations.sealed, steps)
    shards, journal = _over(rotations.shards, store), _over(rotations.journal, store)
    vars(journal)["_shards"] = shards
    assert isinstance(journal, Journal)
    return replace(rotations, shards=shards, journal=journal, sealed=sealed)


class _Writing:
    """A store, each of whose writes is a step."""

    def __init__(self, port: object, steps: Steps) -> None:
        self._port, self._steps = port, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in _WRITES:
            return found

        async def stepping(*args: Any) -> Any:
            self._steps.step(name)  # what is left after the one before it is left before this one
            return await found(*args)

        return stepping


def _over(part: Any, store: object) -> Any:
    made = object.__new__(type(part))
    vars(made).update(vars(part), _store=store)
    return made


def sealed_under(root: Path) -> set[bytes]:
    """Out: the ids of the master keys under which something is sealed; empty bytes for version 1."""
    places = (
        "secrets from shard",
        "reply from exchange",
        "sealed from release",
        "archive from policy",
        "sealed from hold",
        "sealed from held",
    )
    with closing(sqlite3.connect(root / "data/einmal.sqlite3")) as connection:
        found = [row[0] for place in places for row in connection.execute(f"select {place}") if row[0]]
    return {blob[1 : 1 + KEY_ID_BYTES] if blob[:1] == b"\x02" else b"" for blob in found}
