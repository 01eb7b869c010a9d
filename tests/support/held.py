"""A hold on Anna: the order it is placed by, the file that is handed out of it, what the log tells of holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from town import Town

from gateway.audit.note import parse_vkey
from gateway.audit.proof import Proof
from gateway.audit.verify.exported.held import verify_held
from gateway.cli.demo.people import anna
from gateway.keeping.holding import Hold

OVER = datetime(2028, 12, 3, tzinfo=UTC)
ANNA = f"idnr:{anna().idnr}"
PLACED = Hold("h-1", "Klage", "ZPO § 142", "dsb", date(2029, 6, 30), (ANNA,))


def fingerprint(town: Town) -> str:
    return parse_vkey(town.opened.keys.identity_vkey).fingerprint


async def exported(town: Town, name: str = "h-1", now: datetime = OVER) -> bytes:
    document = await town.opened.holds().export(name, now)
    assert document is not None
    assert verify_held(document, fingerprint(town)).holds
    return document


def events(document: bytes) -> list[dict[str, Any]]:
    return [
        json.loads(entry.event)
        for shard in Proof.parse(document).shards
        for subject in shard.subjects
        for entry in subject.entries
        if entry.event is not None
    ]


async def told(town: Town, kind: str) -> list[dict[str, Any]]:
    """Out: the events of that kind, with every label's owner left aside."""
    found: list[dict[str, Any]] = []
    for shard in await town.opened.store.shards():
        lines = await town.opened.store.lines(shard.head.origin, 0, 100_000)
        said = [json.loads(one.line.event) for one in lines if one.line.event is not None]
        found += [event for event in said if event["kind"] == kind]
    return found
