"""SIGKILL at every step between taking a delivery and acknowledging it, then a restart."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import exempting
import killable
import peopled
import pytest
import submitting
import town
from peopled import BLOCKED
from processes import lived

from gateway import assembly
from gateway.audit.record import TERMINAL
from gateway.cli.demo.people import anna

MOST_STEPS = 120
AT_ONCE = 2


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town with four requests on its bus: answered (the only use of a choice), refused, quarantined, and one about
    a blocked person, whose answer waits for its time and which the person is told of on the next day."""
    root = tmp_path_factory.mktemp("killed") / "home"
    asyncio.run(_ask(root))
    return root


async def _ask(root: Path) -> None:
    place = await town.found(root)
    peopled.settle(root)
    await exempting.parking_is_exempt(place, days=1)
    await place.chooses(anna(), max_uses=1)
    bus, consumer = await place.opened.bus(), place.opened.consumer_bus()
    for record in (place.asks(anna()), place.asks(anna(), case="WG-other")):
        await consumer.publish(place.signed(record, "wohngeldstelle"))
    await consumer.publish(place.signed(place.parking(BLOCKED), "parkraumbewirtschaftung"))
    forged = place.signed(place.asks(anna()), "wohngeldstelle")
    await consumer.publish(replace(forged, body=forged.body + b" "))
    await consumer.close()
    await bus.close()
    await place.opened.close()


def _live(root: Path, fatal: int | None) -> int | None:
    [code] = lived(killable.run, str(root), fatal)
    return code


def _lines(root: Path) -> list[dict[str, object]]:
    with closing(sqlite3.connect(root / "data/einmal.sqlite3")) as connection:
        rows = connection.execute("select event from line order by shard, idx").fetchall()
    return [json.loads(row[0]) for row in rows]


def _replies(root: Path) -> dict[str, set[bytes]]:
    """Out: by correlation id, every reply the bus ever got for it, whole."""
    found: dict[str, set[bytes]] = {}
    with closing(sqlite3.connect(root / "data/bus.sqlite3")) as connection:
        for correlation, *whole in connection.execute(
            "select correlation_id, queue, message_id, type, content_type, headers, body from reply"
        ):
            found.setdefault(correlation, set()).add(repr(whole).encode())
    return found


def _check(root: Path) -> None:
    lines = _lines(root)
    ends = Counter(line["exchange"] for line in lines if line["kind"] in TERMINAL)
    assert set(ends.values()) == {1}
    kinds = {str(line["kind"]) for line in lines if line["kind"] in TERMINAL}
    assert kinds == {"answered", "refused", "quarantined", "exempt"}
    assert len(ends) == 4, "every accepted exchange, and no other, has its one terminal line"
    assert [line["reasons"] for line in lines if line["kind"] == "released"] == [["no-data"]], "told once"
    replies = _replies(root)
    assert len(replies) == 3
    assert all(len(same) == 1 for same in replies.values()), "always the same bytes"
    touches = (root / killable.TOUCHES).read_text().splitlines()
    assert touches
    assert all(touch.startswith("asked ") for touch in touches)
    assert all(report.holds for report in assembly.verify_log(root))
    with closing(sqlite3.connect(root / "data/einmal.sqlite3")) as connection:
        assert connection.execute("select count(*) from use").fetchone()[0] == 1
        assert connection.execute("select count(*) from release").fetchone()[0] == 0
        assert connection.execute("select count(*) from exchange where kind is null").fetchone()[0] == 0
    assert killable.waiting(root) == 0


def _killed_at(fatal: int, asked: Path, folder: Path) -> str:
    """Out: the step at which the process died; the next one has put everything right."""
    root = shutil.copytree(asked, folder / f"at-{fatal}")
    assert _live(root, fatal) == -signal.SIGKILL
    step = (root / killable.STEPS).read_text().splitlines()[-1]
    assert _live(root, None) == 0
    _check(root)
    shutil.rmtree(root)
    return step


def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(asked: Path, tmp_path: Path) -> None:
    """Whatever step dies: one terminal outcome each, at least one reply where one is due, the same bytes,
    no register touched without `asked`, and a log that verifies."""
    whole = shutil.copytree(asked, tmp_path / "whole")
    assert _live(whole, None) == 0
    _check(whole)
    steps = len((whole / killable.STEPS).read_text().splitlines())
    assert steps < MOST_STEPS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        killed = list(pool.map(lambda fatal: _killed_at(fatal, asked, tmp_path), range(steps)))
    names = {step.split(" ", 1)[1] for step in killed}
    assert "before its time" in names
    assert {f"{when} {step}" for when in ("before", "after") for step in _STEPS} <= names


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A town with one submission on its bus, on the only use of a choice; and that choice's id."""
    root = tmp_path_factory.mktemp("killed") / "home"
    return root, asyncio.run(_submit(root))


async def _submit(root: Path) -> str:
    place = await town.found(root)
    record = await submitting.decides(place, anna(), "UM-2026-1", max_uses=1)
    bus, consumer = await place.opened.bus(), place.opened.consumer_bus()
    await consumer.publish(place.signed(place.moves(anna()), submitting.PORTAL))
    await consumer.close()
    await bus.close()
    await place.opened.close()
    return record


async def _withdraw(root: Path, record: str) -> None:
    place = await town.opened(root)
    await place.withdraws(record)
    await place.opened.close()


def _check_submission(root: Path, withdrawn: bool, sent: dict[str, set[bytes]]) -> str:
    """Out: how it ended. In: the replies that had left before the restart."""
    told = [line for line in _lines(root) if "exchange" in line]
    [end] = [str(line["kind"]) for line in told if line["kind"] in TERMINAL]
    wrote = submitting.entries(root)
    assert len(wrote) == (end == "submitted"), "one write and told, or none and refused"
    assert {entry["exchange"] for entry in wrote} <= {line["exchange"] for line in told}
    assert (submitting.resident(root, anna())["hausnummer"] == "99z") == (end == "submitted")
    assert withdrawn or end == "submitted"
    [replies] = _replies(root).values()
    assert len(replies) == 1, "always the same bytes"
    assert all(before <= replies for before in sent.values())
    touches = root / killable.TOUCHES
    assert touches.exists() or end == "refused"
    assert not touches.exists() or "NOT ASKED" not in touches.read_text()
    assert all(report.holds for report in assembly.verify_log(root))
    with closing(sqlite3.connect(root / "data/einmal.sqlite3")) as connection:
        used = connection.execute("select count(*) from use").fetchone()[0]
        assert used == (end == "submitted"), "used by what had its effect, given back else"
        assert connection.execute("select count(*) from exchange where kind is null").fetchone()[0] == 0
    assert killable.waiting(root) == 0
    return end


def _submission_killed_at(fatal: int, submitted: tuple[Path, str], folder: Path) -> tuple[str, str]:
    """Out: the step at which the process died, and how the exchange ended after its choice was withdrawn."""
    template, record = submitted
    root, later = folder / f"at-{fatal}", folder / f"withdrawn-at-{fatal}"
    shutil.copytree(template, root)
    assert _live(root, fatal) == -signal.SIGKILL
    step = (root / killable.STEPS).read_text().splitlines()[-1]
    shutil.copytree(root, later)
    sent = _replies(root)
    assert _live(root, None) == 0
    _check_submission(root, False, sent)
    asyncio.run(_withdraw(later, record))
    had_written = bool(submitting.entries(later))
    assert _live(later, None) == 0
    end = _check_submission(later, True, sent)
    assert (end == "submitted") == had_written
    shutil.rmtree(root)
    shutil.rmtree(later)
    return step, end


def test_a_kill_at_any_step_of_a_submission_writes_once_and_denies_nothing(
    submitted: tuple[Path, str], tmp_path: Path
) -> None:
    """Restarted as it was, it is written once and receipted once. Restarted after its choice was withdrawn, it ends
    as it had happened by then: submitted where the register had written, refused where it had not."""
    whole = shutil.copytree(submitted[0], tmp_path / "whole")
    assert _live(whole, None) == 0
    assert _check_submission(whole, False, {}) == "submitted"
    steps = len((whole / killable.STEPS).read_text().splitlines())
    assert steps < MOST_STEPS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(lambda fatal: _submission_killed_at(fatal, submitted, tmp_path), range(steps)))
    ends = dict(ended)
    names = {step.split(" ", 1)[1] for step in ends}
    wanted = ("store.recall", "store.held_for", "store.append", "register.write", "bus.send", "bus.ack")
    assert {f"{when} {step}" for when in ("before", "after") for step in wanted} <= names
    assert Counter(ends.values()).keys() == {"submitted", "refused"}


_STEPS = (
    "store.recall",
    "store.held_for",
    "store.append",
    "register.fetch",
    "bus.send",
    "store.confirmed",
    "bus.ack",
    "store.due",
)
