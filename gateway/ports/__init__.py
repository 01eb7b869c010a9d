"""The doors of the house, cut at what the upper floor means (never at SQL, HTTP or a broker's verbs).

Each port has a contract-test class in tests/contracts that runs on every implementation. Adapters map foreign
exceptions to `gateway.errors` at the port, in one place.
"""

from gateway.ports.bus import Bus, ConsumerBus, Outbound
from gateway.ports.entries import (
    Committed,
    Entry,
    ExchangeKey,
    Head,
    Known,
    Line,
    RecordEvent,
    RecordMoved,
    Release,
    Settlement,
    Shard,
    ShardMoved,
    Standing,
    StandingMoved,
    StoredLine,
    Use,
    UsedUp,
)
from gateway.ports.exchanges import Ended, ExchangeStore
from gateway.ports.house import Clock, Ids, Keys, Policies, Register
from gateway.ports.log import Cosignature, CosignatureStore, EpochStore, IndexCache, StoredEpoch, Tree
from gateway.ports.measures import Measures, Room
from gateway.ports.retention import HoldStore, RetentionStore, StoredHold
from gateway.ports.sealed import Place, Sealed, SealedStore
from gateway.ports.store import ConsentStore, JournalStore
from gateway.ports.witness import Witness

__all__ = [
    "Bus",
    "Clock",
    "Committed",
    "ConsentStore",
    "ConsumerBus",
    "Cosignature",
    "CosignatureStore",
    "Ended",
    "Entry",
    "EpochStore",
    "ExchangeKey",
    "ExchangeStore",
    "Head",
    "HoldStore",
    "Ids",
    "IndexCache",
    "JournalStore",
    "Keys",
    "Known",
    "Line",
    "Measures",
    "Outbound",
    "Place",
    "Policies",
    "RecordEvent",
    "RecordMoved",
    "Register",
    "Release",
    "RetentionStore",
    "Room",
    "Sealed",
    "SealedStore",
    "Settlement",
    "Shard",
    "ShardMoved",
    "Standing",
    "StandingMoved",
    "StoredEpoch",
    "StoredHold",
    "StoredLine",
    "Tree",
    "Use",
    "UsedUp",
    "Witness",
]
