"""Making and opening the embedded bus's file."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from bus_messages import request, take
from embedded_buses import ManualClock

from adapters.bus.embedded import EmbeddedBus
from adapters.bus.file import VERSION
from gateway.errors import ConfigurationFault


def opened(path: Path) -> EmbeddedBus:
    return EmbeddedBus.open(path, "einmal", ManualClock(), ["wohngeldstelle"])


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationFault) as raised:
        opened(path)
    return str(raised.value)


async def test_everything_is_for_its_owner_only(tmp_path: Path) -> None:
    """Database, log and locks are 0600, the locks' folder 0700; after closing no lock is left."""
    path = tmp_path / "data" / "bus.sqlite3"
    EmbeddedBus.create(path)
    bus = opened(path)
    consumer = bus.consumer_side()
    await consumer.publish(request("x"))
    await take(bus.deliveries())
    folder = path.with_name("bus.sqlite3.owners")
    files = [path, *path.parent.glob("bus.sqlite3-*"), *folder.iterdir()]
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await consumer.close()
    await bus.close()
    assert list(folder.iterdir()) == []


def test_creating_never_overwrites(tmp_path: Path) -> None:
    """What is there stays, byte for byte."""
    path = tmp_path / "bus.sqlite3"
    path.write_bytes(b"something else")
    with pytest.raises(ConfigurationFault, match="there is a file already"):
        EmbeddedBus.create(path)
    assert path.read_bytes() == b"something else"


def test_opening_never_creates(tmp_path: Path) -> None:
    """A missing file is named, and is still missing afterwards."""
    assert "leads to no file" in refused(tmp_path / "bus.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_not_a_bus(tmp_path: Path) -> None:
    """Rubbish, an empty file and another version are told apart."""
    path = tmp_path / "bus.sqlite3"
    path.write_bytes(b"no database " * 200)
    assert "is not a SQLite database" in refused(path)
    path.write_bytes(b"")
    assert "has tables of version 0" in refused(path)
    path.unlink()
    EmbeddedBus.create(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    assert f"has tables of version {VERSION + 1}" in refused(path)


async def test_a_file_of_an_earlier_program_is_completed(tmp_path: Path) -> None:
    """What waits in it is handed on, without what was not kept of it then; opened again it is as it is."""
    path = tmp_path / "bus.sqlite3"
    EmbeddedBus.create(path)
    first = opened(path)
    consumer = first.consumer_side()
    await consumer.publish(request("x"))
    await consumer.close()
    await first.close()
    with sqlite3.connect(path) as connection:
        for table in ("request", "dead"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN traceparent")
    connection.close()
    for _ in range(2):
        bus = opened(path)
        (got,) = await take(bus.deliveries())
        assert (got.message_id, got.traceparent) == ("message-x", None)
        await bus.close()


async def test_namespaces_share_a_file_but_no_message(tmp_path: Path) -> None:
    """Two gateways on one file see their own consumers' requests only."""
    path = tmp_path / "bus.sqlite3"
    EmbeddedBus.create(path)
    ours = opened(path)
    theirs = EmbeddedBus.open(path, "other", ManualClock(), ["wohngeldstelle"])
    for side, name in ((theirs, "theirs"), (ours, "ours")):
        consumer = side.consumer_side()
        await consumer.publish(request(name))
        await consumer.close()
    (got,) = await take(ours.deliveries())
    assert got.message_id == "message-ours"
    (other,) = await take(theirs.deliveries())
    assert other.message_id == "message-theirs"
    await ours.close()
    await theirs.close()
