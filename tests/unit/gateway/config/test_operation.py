"""`[operation]` of einmal.toml."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.config.operation import Listen, Operation


@pytest.mark.parametrize(
    ("said", "host", "port"),
    [
        ("127.0.0.1:9464", "127.0.0.1", 9464),
        ("[::1]:9464", "::1", 9464),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_an_address_has_a_host_and_a_port(said: str, host: str, port: int) -> None:
    """An IPv6 address stands in brackets."""
    assert Operation(listen=said).listen == said
    assert Listen.parse(said) == Listen(host, port)


@pytest.mark.parametrize(
    "said",
    ["", "9464", ":9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:9464", "[zz]:1", "a b:1"],
)
def test_anything_else_is_a_mistake_with_its_mend(said: str) -> None:
    """Nothing is guessed: it might be open to the world."""
    with pytest.raises(ValidationError, match=r"is no address with a port|String should have at least"):
        Operation(listen=said)


def test_it_is_off_unless_a_home_names_it() -> None:
    """Nobody is shown anything by accident."""
    assert Operation().listen is None


def test_unknown_keys_and_no_time_at_all_are_mistakes() -> None:
    """As everywhere in a home."""
    for wrong in ({"port": 1}, {"look_seconds": 0}, {"timeout_seconds": 1.5}):
        with pytest.raises(ValidationError):
            Operation.model_validate(wrong)


@pytest.mark.parametrize(
    "said",
    [
        *("127.0.0.1:4318", "ftp://a/b", "http://", "http://me:secret@a/b", "http://a/b?key=1"),
        *("http://[::1/b", "http://me:secret@a\N{FULLWIDTH SOLIDUS}b"),
    ],
)
def test_a_collector_is_a_plain_url(said: str) -> None:
    """Without secrets: files of a home are read by many."""
    assert Operation(traces="http://127.0.0.1:4318/v1/traces").traces
    with pytest.raises(ValidationError, match="is no plain URL") as raised:
        Operation(traces=said)
    assert "secret" not in str([error["msg"] for error in raised.value.errors()])
