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
from gateway.ports.house import Clock, Ids, Keys, Policies, Register
from gateway.ports.store import ConsentStore, JournalStore

__all__ = [
    "Bus",
    "Clock",
    "Committed",
    "ConsentStore",
    "ConsumerBus",
    "Entry",
    "ExchangeKey",
    "Head",
    "Ids",
    "JournalStore",
    "Keys",
    "Known",
    "Line",
    "Outbound",
    "Policies",
    "RecordEvent",
    "RecordMoved",
    "Register",
    "Release",
    "Settlement",
    "Shard",
    "ShardMoved",
    "Standing",
    "StandingMoved",
    "StoredLine",
    "Use",
    "UsedUp",
]
