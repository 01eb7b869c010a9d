"""Where a home's journal is kept: the URL that its settings come to (CONTRACT.md 3)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.assembly.backing_up import back_up
from gateway.assembly.storage import database_file, storage_url
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault

AUTHORITY = {
    "name": "musterstadt.example",
    "title": {"de": "Stadt Musterstadt", "en": "Town of Musterstadt"},
    "audience": "einmal.musterstadt.example",
}
SERVER = "postgresql://einmal@db.example/einmal"


def settings(**storage: Any) -> Einmal:
    return Einmal.model_validate({"authority": AUTHORITY, "storage": storage})


def test_a_file_is_relative_to_the_home(tmp_path: Path) -> None:
    """Unless its path is whole."""
    assert database_file(tmp_path, settings()) == tmp_path / "data/einmal.sqlite3"
    elsewhere = settings(url="sqlite:////srv/x.sqlite3")
    assert database_file(tmp_path, elsewhere) == Path("/srv/x.sqlite3")


def test_a_password_is_kept_elsewhere_and_never_shown(tmp_path: Path) -> None:
    """In a file or a variable; no text of the URL shows it."""
    (tmp_path / "password").write_text("planted-word\n")
    url = storage_url(tmp_path, settings(url=SERVER, password="file:password"))
    assert url.password == "planted-word"
    assert "planted-word" not in f"{url} {url!r}"


def test_the_whole_url_may_be_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a register's is."""
    monkeypatch.setitem(os.environ, "EINMAL_DATABASE", "postgresql://einmal:planted-word@db.example/einmal")
    url = storage_url(tmp_path, settings(url="env:EINMAL_DATABASE"))
    assert (url.host, url.password) == ("db.example", "planted-word")


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        ({"url": SERVER, "password": "file:nowhere"}, "storage.password: leads to nothing"),
        ({"url": "file:nowhere"}, "storage.url: leads to no database"),
        ({"url": "env:EINMAL_NOWHERE"}, "storage.url: leads to no database"),
    ],
)
def test_what_leads_nowhere_is_named(tmp_path: Path, storage: dict[str, str], told: str) -> None:
    """With the key that says so."""
    with pytest.raises(ConfigurationFault, match=told):
        storage_url(tmp_path, settings(**storage))


def test_a_url_that_is_none_is_not_quoted(tmp_path: Path) -> None:
    """A password with signs that a URL has to escape ends where a port would be."""
    (tmp_path / "url").write_text("postgresql://einmal:pass@w:planted-word@db.example/einmal")
    with pytest.raises(ConfigurationFault, match="leads to no database") as raised:
        storage_url(tmp_path, settings(url="file:url"))
    assert "planted-word" not in f"{raised.value} {raised.value.__context__}"


@pytest.mark.parametrize("wrong", [{"password": "planted-word"}, {"url": "postgresql://e:planted-word@x/y"}])
def test_no_password_stands_in_the_settings(wrong: dict[str, str]) -> None:
    """Only where it is kept; what is told of it doesn't repeat it."""
    with pytest.raises(ValidationError) as raised:
        settings(**({"url": SERVER} | wrong))
    assert "planted-word" not in "".join(error["msg"] for error in raised.value.errors())


def test_limits_go_with_a_server(tmp_path: Path) -> None:
    """In milliseconds to the server, before what the URL says itself; with a file they are a mistake."""
    said = f"{SERVER}?options=-c%20lock_timeout%3D1&connect_timeout=9"
    url = storage_url(tmp_path, settings(url=said, statement_timeout_seconds=7))
    assert url.query["options"] == "-c statement_timeout=7000 -c lock_timeout=10000 -c lock_timeout=1"
    assert url.query["connect_timeout"] == "9"
    with pytest.raises(ValidationError, match="goes with a PostgreSQL server"):
        settings(lock_timeout_seconds=3)


def test_a_server_is_not_copied_file_by_file(tmp_path: Path) -> None:
    """Refused before a folder is made; the tools that do it are named."""
    (tmp_path / "einmal.toml").write_text(
        '[authority]\nname = "musterstadt.example"\naudience = "x"\ntitle = { de = "S", en = "T" }\n'
        f'[storage]\nurl = "{SERVER}"\n'
    )
    with pytest.raises(ConfigurationFault, match="pg_basebackup or pg_dump"):
        back_up(tmp_path, tmp_path / "copies")
    assert not (tmp_path / "copies").exists()


def test_only_who_names_a_server_loads_its_driver() -> None:
    """A house on files starts without it."""
    code = (
        "import sys; import gateway.assembly; from adapters.storage.database import Database\n"
        "assert 'psycopg' not in sys.modules and 'adapters.storage.postgresql' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
