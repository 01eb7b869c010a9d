"""`[bus]`: each kind with its own keys, and a broker reached with what proves who the house is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.bus import Bus
from gateway.config.home import load_settings
from gateway.errors import ConfigurationFault

AUTHORITY = """
[authority]
name = "musterstadt.example"
title = { de = "Stadt Musterstadt", en = "Town of Musterstadt" }
audience = "einmal.musterstadt.example"
"""
BROKER = 'kind = "rabbitmq"\nurl = "amqps://bus.musterstadt.example/town"\nuser = "einmal"\n'
PASSWORD = 'password = "env:EINMAL_BUS"\n'


def bus(root: Path, said: str) -> Bus:
    """Out: what einmal.toml says of the bus. Raises: ConfigurationFault."""
    (root / "einmal.toml").write_text(f"{AUTHORITY}[bus]\n{said}", "utf-8")
    return load_settings(root).bus


def test_a_broker_with_a_password(tmp_path: Path) -> None:
    """By reference; the rest has its usual value."""
    found = bus(tmp_path, BROKER + PASSWORD + "timeout_seconds = 5\nprefetch = 4\n")
    assert (found.password, found.encrypted) == ("env:EINMAL_BUS", True)
    assert (found.timeout_seconds, found.prefetch, found.namespace) == (5, 4, "einmal")


def test_a_broker_with_a_certificate(tmp_path: Path) -> None:
    """It needs no password."""
    found = bus(tmp_path, BROKER + 'ca = "keys/ca.pem"\ncertificate = "keys/bus.pem"\nkey = "keys/bus.key"\n')
    assert (found.password, found.certificate) == (None, "keys/bus.pem")


def test_without_a_word_the_bus_is_a_file(tmp_path: Path) -> None:
    """Of this machine."""
    assert (bus(tmp_path, "").kind, bus(tmp_path, "").path) == ("embedded", "data/bus.sqlite3")


URL = "amqps://bus.musterstadt.example/town"
MISTAKES = {
    "a path of a file": (BROKER + PASSWORD + 'path = "data/bus.sqlite3"', "path", 'kind = "embedded"'),
    "a broker's URL with a file": (f'url = "{URL}"', "url", 'kind = "rabbitmq"'),
    "a broker's limit with a file": ("timeout_seconds = 5", "timeout_seconds", 'kind = "rabbitmq"'),
    "nowhere": (f'kind = "rabbitmq"\nuser = "einmal"\n{PASSWORD}', "bus", "Add url and user"),
    "nobody": (f'kind = "rabbitmq"\nurl = "{URL}"\n{PASSWORD}', "bus", "Add url and user"),
    "no proof": (BROKER, "bus", "Add password, or certificate and key"),
    "half a proof": (BROKER + 'certificate = "keys/bus.pem"', "bus", "Add the other file"),
    "a password said aloud": (BROKER + 'password = "geheim"', "password", "env"),
    "a password in the URL": (
        BROKER.replace("amqps://", "amqps://einmal:geheim@") + PASSWORD, "url", "password elsewhere",
    ),
    "a user in the URL": (BROKER.replace("amqps://", "amqps://einmal@") + PASSWORD, "url", "into user"),
    "more in the URL": (BROKER.replace("/town", "/town?heartbeat=0") + PASSWORD, "url", "virtual host only"),
    "another protocol": (BROKER.replace("amqps:", "https:") + PASSWORD, "url", "Write it as"),
    "a port there is not": (BROKER.replace("/town", ":99999/town") + PASSWORD, "url", "Write it as"),
    "certificates in the clear": (
        BROKER.replace("amqps:", "amqp:") + PASSWORD + 'ca = "keys/ca.pem"', "bus", "Begin the URL with amqps",
    ),
    "one node in the clear": (
        BROKER + PASSWORD + 'alternates = ["amqp://other.example/town"]', "bus", "Begin every URL with amqps",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_names_its_key_and_its_mend(tmp_path: Path, name: str) -> None:
    """And shows no secret."""
    said, key, mend = MISTAKES[name]
    with pytest.raises(ConfigurationFault) as raised:
        bus(tmp_path, said)
    (problem,) = raised.value.problems
    assert problem.key.endswith(key)
    assert mend in problem.mend
    assert "geheim" not in str(problem)
