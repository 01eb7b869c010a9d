"""Where a home's journal is kept, as its settings say it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL

from consent.vocabulary import Problem
from gateway.config.connections import database_url
from gateway.config.home import SETTINGS_FILE
from gateway.config.references import resolved
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault


def storage_url(root: Path, settings: Einmal) -> URL:
    """Out: the store's URL with everything its driver needs; a relative SQLite path is relative to the home.

    Raises: ConfigurationFault: it is none, or what it refers to is not there.
    """
    storage = settings.storage
    url = database_url(resolved(storage.url, root) or "")
    if url is None:
        mend = "Write sqlite:///data/einmal.sqlite3, postgresql://USER@HOST/DATABASE, env:NAME or file:PATH."
        raise _wrong("url", "leads to no database", mend)
    if url.get_backend_name() == "sqlite":
        return url.set(database=str((root / url.database).resolve())) if url.database else url
    if storage.password is not None:
        password = resolved(storage.password, root)
        if password is None:
            raise _wrong("password", "leads to nothing", "Set that variable, or write that file.")
        url = url.set(password=password)
    limits = {
        "statement_timeout": storage.statement_timeout_seconds,
        "lock_timeout": storage.lock_timeout_seconds,
    }
    said = url.query.get("options", "")
    options = [f"-c {name}={seconds * 1000}" for name, seconds in limits.items()]
    options += [said] if isinstance(said, str) else said
    usual = {"connect_timeout": str(storage.connect_timeout_seconds)}
    return url.update_query_dict({**usual, **url.query, "options": " ".join(options).strip()})


def database_file(root: Path, settings: Einmal) -> Path | None:
    """Out: the journal's file; None where it is no file of this machine. Raises: ConfigurationFault."""
    url = storage_url(root, settings)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _wrong(key: str, wrong: str, mend: str) -> ConfigurationFault:
    return ConfigurationFault((Problem(SETTINGS_FILE, None, f"storage.{key}", wrong, mend),))
