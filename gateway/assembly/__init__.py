"""Configuration → the wired house. The only importer of adapters; nothing here decides anything."""

from gateway.assembly.backing_up import back_up
from gateway.assembly.checking import verify_log
from gateway.assembly.desk import Desk, desk, new_cosigner
from gateway.assembly.house import Opened, create, open_house
from gateway.assembly.law import Findings, Switch
from gateway.assembly.own_keys import OwnKeys, own_keys
from gateway.assembly.parts import CHECKPOINTS
from gateway.assembly.publishing import cosignatures, publish
from gateway.assembly.reconciling import reconciliation
from gateway.assembly.restoring import Restoration, missing, restore, settled
from gateway.assembly.rotating import MasterRotated
from gateway.assembly.tools import new_key, now, open_keys, people, proposed, read_key, unsigned, write_key
from gateway.assembly.upgrading import upgrade

__all__ = [
    "CHECKPOINTS",
    "Desk",
    "Findings",
    "MasterRotated",
    "Opened",
    "OwnKeys",
    "Restoration",
    "Switch",
    "back_up",
    "cosignatures",
    "create",
    "desk",
    "missing",
    "new_cosigner",
    "new_key",
    "now",
    "open_house",
    "open_keys",
    "own_keys",
    "people",
    "proposed",
    "publish",
    "read_key",
    "reconciliation",
    "restore",
    "settled",
    "unsigned",
    "upgrade",
    "verify_log",
    "write_key",
]
