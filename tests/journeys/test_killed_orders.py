"""SIGKILL at every step of a decision given and of one withdrawn by message, then a restart."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import killable
import pytest
import town as towns
from consents import decision, gives, withdraws
from processes import lived

from gateway import assembly
from gateway.cli.demo.people import anna

MOST_STEPS = 60
_STEPS = (
    "store.recall",
    "store.of_subject",
    "store.record",
    "store.events",
    "store.append",
    "bus.send",
    "store.confirmed",
    "bus.ack",
)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town with two orders on its bus: a decision to record, and one to end."""
    root = tmp_path_factory.mktemp("killed-orders") / "home"
    asyncio.run(_order(root))
    return root


async def _order(root: Path) -> None:
    town = await towns.found(root)
    record = await town.chooses(anna())
    bus, consumer = await town.opened.bus(), town.opened.consumer_bus()
    await consumer.publish(gives(town, decision(town, anna())))
    await consumer.publish(withdraws(town, record, anna()))
    await consumer.close()
    await bus.close()
    await town.opened.close()


def _live(root: Path, fatal: int | None) -> int | None:
    [code] = lived(killable.run, str(root), fatal)
    return code


def _rows(root: Path, database: str, query: str) -> list[Any]:
    with closing(sqlite3.connect(root / "data" / database)) as connection:
        return connection.execute(query).fetchall()


def _check(root: Path) -> None:
    """One event and one terminal line each, always the same reply, and a log that verifies."""
    lines = [json.loads(event) for (event,) in _rows(root, "einmal.sqlite3", "select event from line")]
    by_message = [line["kind"] for line in lines if "exchange" in line]
    assert sorted(by_message) == ["consent.given", "consent.withdrawn"]
    steps = _rows(root, "einmal.sqlite3", "select record, state, receipt from record_event")
    assert Counter(state for _, state, _ in steps) == {"given": 2, "withdrawn": 1}
    replies = _rows(root, "bus.sqlite3", "select correlation_id, message_id, type, headers, body from reply")
    assert len(set(map(repr, replies))) == 2, "always the same bytes"
    receipts = {receipt for _, _, receipt in steps}
    assert all(kind == "consent.receipt" for _, _, kind, _, _ in replies)
    assert all(json.loads(body)["receipt"] in receipts for *_, body in replies)
    assert _rows(root, "einmal.sqlite3", "select * from exchange where kind is null") == []
    assert all(report.holds for report in assembly.verify_log(root))
    assert killable.waiting(root) == 0


def test_a_kill_at_any_step_of_an_order_records_it_once(ordered: Path, tmp_path: Path) -> None:
    """Whatever step dies: each order is carried out once and receipted with the same bytes."""
    killed: set[str] = set()
    for fatal in range(MOST_STEPS):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(ordered, root)
        code = _live(root, fatal)
        if code == 0:
            _check(root)
            break
        assert code == -signal.SIGKILL
        killed.add((root / killable.STEPS).read_text("utf-8").splitlines()[-1].split(" ", 1)[1])
        assert _live(root, None) == 0
        _check(root)
        shutil.rmtree(root)
    else:
        pytest.fail("the steps never end")
    assert {f"{when} {step}" for when in ("before", "after") for step in _STEPS} <= killed
