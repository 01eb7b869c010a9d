"""What commands need that open no house."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from adapters import keys as file_keys
from adapters.clock import SystemClock, SystemIds
from adapters.keys import FileKeys
from consent.approval import signatories, unapproved
from consent.vocabulary import Problem
from gateway.assembly import parts
from gateway.config import home as config
from gateway.config.files import documents_of
from gateway.config.signatures import verify
from gateway.jwe import OpeningKey
from gateway.jws import SigningKey


def now() -> datetime:
    """Out: the machine's time, UTC."""
    return SystemClock().now()


def people(root: Path) -> Mapping[str, Mapping[str, str]]:
    """Out: the public key of everybody in people/ whose file is right, by id."""
    found = signatories(documents_of(root, []))
    return {name: person.jwk.members() for name, person in found.items()}


def unsigned(root: Path, file: str) -> str | None:
    """Out: why that file of grants is not signed as it should be; None if it is."""
    documents = [document for document in documents_of(root, []) if not document.broken]
    found = unapproved(documents, verify, SystemClock().now())
    return next((problem.wrong for problem in found if problem.file == file), None)


def proposed(root: Path, file: str, raw: bytes) -> tuple[Problem, ...]:
    """Out: what would be wrong with such a file in the home, but for its signatures."""
    return config.proposed(root, file, raw, verify, SystemClock().now())


def open_keys(root: Path) -> FileKeys:
    """Out: the house's own keys. Raises: ConfigurationFault."""
    return parts.open_keys(root)


def new_key(kid: str) -> SigningKey:
    """Out: a new Ed25519 pair for a consumer or signatory."""
    return file_keys.new_key(SystemIds(), kid)


def new_encryption_key(kid: str) -> OpeningKey:
    """Out: a new X25519 pair for a consumer."""
    return file_keys.new_encryption_key(SystemIds(), kid)


def write_encryption_key(file: Path, key: OpeningKey) -> None:
    """Write a secret key into a new file, 0600. Raises: ConfigurationFault."""
    file_keys.write_opening_key(file, key)


def read_encryption_key(file: Path) -> OpeningKey:
    """Out: a consumer's secret key to open replies. Raises: ConfigurationFault."""
    return file_keys.read_opening_key(file)


def write_key(file: Path, key: SigningKey) -> None:
    """Write a secret key into a new file, 0600. Raises: ConfigurationFault."""
    file_keys.write_key(file, key)


def read_key(file: Path) -> SigningKey:
    """Out: a consumer's or signatory's secret key. Raises: ConfigurationFault."""
    return file_keys.read_key(file)
