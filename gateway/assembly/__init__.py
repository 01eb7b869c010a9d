"""Configuration → the wired house. The only importer of adapters; nothing here decides anything."""

from gateway.assembly.checking import verify_log
from gateway.assembly.house import Opened, create, open_house
from gateway.assembly.law import Findings, Switch
from gateway.assembly.parts import CHECKPOINTS
from gateway.assembly.tools import new_key, now, open_keys, people, proposed, read_key, unsigned, write_key
from gateway.assembly.upgrading import upgrade

__all__ = [
    "CHECKPOINTS",
    "Findings",
    "Opened",
    "Switch",
    "create",
    "new_key",
    "now",
    "open_house",
    "open_keys",
    "people",
    "proposed",
    "read_key",
    "unsigned",
    "upgrade",
    "verify_log",
    "write_key",
]
