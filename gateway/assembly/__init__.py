"""Configuration → the wired house. The only importer of adapters; nothing here decides anything."""

from gateway.assembly.backing_up import back_up
from gateway.assembly.checking import verify_log
from gateway.assembly.desk import Desk, desk, new_cosigner
from gateway.assembly.house import Opened, create, open_house
from gateway.assembly.jwks import jwks
from gateway.assembly.law import Findings, Switch
from gateway.assembly.operating import operated, operation
from gateway.assembly.own_keys import OwnKeys, own_keys
from gateway.assembly.parts import CHECKPOINTS
from gateway.assembly.publishing import cosignatures, publish
from gateway.assembly.reconciling import reconciliation
from gateway.assembly.restoring import Restoration, missing, restore, settled
from gateway.assembly.rotating import ENCRYPTION_DAYS, OVERLAP_DAYS, MasterRotated
from gateway.assembly.tools import (
    new_encryption_key,
    new_key,
    now,
    open_keys,
    people,
    proposed,
    read_encryption_key,
    read_key,
    unsigned,
    write_encryption_key,
    write_key,
)
from gateway.assembly.upgrading import upgrade

__all__ = [
    "CHECKPOINTS",
    "ENCRYPTION_DAYS",
    "OVERLAP_DAYS",
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
    "jwks",
    "missing",
    "new_cosigner",
    "new_encryption_key",
    "new_key",
    "now",
    "open_house",
    "open_keys",
    "operated",
    "operation",
    "own_keys",
    "people",
    "proposed",
    "publish",
    "read_encryption_key",
    "read_key",
    "reconciliation",
    "restore",
    "settled",
    "unsigned",
    "upgrade",
    "verify_log",
    "write_encryption_key",
    "write_key",
]
