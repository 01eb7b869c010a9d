"""A home's databases copied while it is served."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from adapters import atomic
from adapters.storage.backup import copy
from consent.vocabulary import Problem
from gateway.assembly.storage import database_file
from gateway.config.home import SETTINGS_FILE, load_settings
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault


def back_up(root: Path, folder: Path) -> Sequence[Path]:
    """Copy the journal's database and then the bus, where it is a file, into a new folder (0700). Out: the copies.

    In this order an exchange may be in the copy of the journal and its request still in that of the bus: it comes once
    more, and is known. Raises: ConfigurationFault, JournalUnavailable, OSError: nothing of the folder stays.
    """
    settings = load_settings(root)
    journal = database_file(root, settings)
    if journal is None:
        wrong = "is no file that could be copied"
        mend = "A server's database is backed up by pg_basebackup or pg_dump (docs/postgresql.md)."
        raise ConfigurationFault((Problem(SETTINGS_FILE, None, "storage.url", wrong, mend),))
    folder.mkdir(mode=0o700, parents=True)
    try:
        return _copied(root, settings, journal, folder)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _copied(root: Path, settings: Einmal, journal: Path, folder: Path) -> Sequence[Path]:
    atomic.sync(folder.parent)
    sources = [journal] if settings.bus.kind != "embedded" else [journal, root / settings.bus.path]
    return [copy(source, folder / source.name) for source in sources]
