"""The house's own secrets as files of a home: `keys/` 0700, its files 0600; anything wider is refused."""

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
    "new_key",
    "read_key",
    "write_key",
]
