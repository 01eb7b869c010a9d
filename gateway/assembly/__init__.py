"""Configuration → the wired house. The only importer of adapters; nothing here decides anything."""

from gateway.assembly.checking import verify_log
from gateway.assembly.house import Opened, create, open_house
from gateway.assembly.parts import CHECKPOINTS, check_registers
from gateway.assembly.tools import load_home, new_key, now, open_keys, read_key, write_key

__all__ = [
    "CHECKPOINTS",
    "Opened",
    "check_registers",
    "create",
    "load_home",
    "new_key",
    "now",
    "open_house",
    "open_keys",
    "read_key",
    "verify_log",
    "write_key",
]
