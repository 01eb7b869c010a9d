"""A home's databases copied while it is served."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from adapters import atomic
from adapters.storage.backup import copy
from gateway.assembly.parts import storage_url
from gateway.config.home import load_settings
from gateway.config.settings import Einmal


def back_up(root: Path, folder: Path) -> Sequence[Path]:
    """Copy the journal's database and then the bus into a new folder (0700). Out: the copies.

    In this order an exchange may be in the copy of the journal and its request still in that of the bus: it comes once
    more, and is known. Raises: ConfigurationFault, JournalUnavailable, OSError: nothing of the folder stays.
    """
    settings = load_settings(root)
    folder.mkdir(mode=0o700, parents=True)
    try:
        return _copied(root, settings, folder)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _copied(root: Path, settings: Einmal, folder: Path) -> Sequence[Path]:
    atomic.sync(folder.parent)
    sources = (
        Path(storage_url(root, settings).removeprefix("sqlite:///")),
        root / settings.bus.path,
    )
    return [copy(source, folder / source.name) for source in sources]
