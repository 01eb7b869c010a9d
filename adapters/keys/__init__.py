"""The house's own secrets as files of a home: `keys/` 0700, its files 0600; anything wider is refused."""

from adapters.keys.encryption import new_encryption_key, read_opening_key, write_opening_key
from adapters.keys.house import GATEWAY, IDENTITY, MASTER, FileKeys, read_key
from adapters.keys.making import create, new_key, write_key
from adapters.keys.masters import MasterSource

__all__ = [
    "GATEWAY",
    "IDENTITY",
    "MASTER",
    "FileKeys",
    "MasterSource",
    "create",
    "new_encryption_key",
    "new_key",
    "read_key",
    "read_opening_key",
    "write_key",
    "write_opening_key",
]
