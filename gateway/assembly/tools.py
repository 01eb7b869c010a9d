"""What commands need that open no house."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from adapters import keys as file_keys
from adapters.clock import SystemClock, SystemIds
from adapters.keys import FileKeys
from gateway.assembly.parts import KEYS
from gateway.config.home import Home, load
from gateway.config.signatures import verify
from gateway.jws import SigningKey


def now() -> datetime:
    """Out: the machine's time, UTC."""
    return SystemClock().now()


def load_home(root: Path) -> Home:
    """Out: a home's files as they are now. Raises: ConfigurationFault with every problem."""
    return load(root, verify, SystemClock().now())


def open_keys(root: Path) -> FileKeys:
    """Out: the house's own keys. Raises: ConfigurationFault."""
    return FileKeys.open(root / KEYS)


def new_key(kid: str) -> SigningKey:
    """Out: a new Ed25519 pair for a consumer or signatory."""
    return file_keys.new_key(SystemIds(), kid)


def write_key(file: Path, key: SigningKey) -> None:
    """Write a secret key into a new file, 0600. Raises: ConfigurationFault."""
    file_keys.write_key(file, key)


def read_key(file: Path) -> SigningKey:
    """Out: a consumer's or signatory's secret key. Raises: ConfigurationFault."""
    return file_keys.read_key(file)
