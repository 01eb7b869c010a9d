"""Entries to append to a journal, every part of which follows from a name; and appending them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from adapters.storage.store import SqlStore
from consent.vocabulary import BasisKind, Held, Power, Record, RecordState, Subject
from gateway.audit import labels
from gateway.ports import Committed, Entry, ExchangeKey, Line, RecordEvent, Settlement, Standing, Use

NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
ORIGIN = "musterstadt.example/24m/2026-11"
OTHER = "musterstadt.example/12m/2026-11"
POLICY = "a" * 64
DIGEST = "d" * 64


def line(name: str, label: bytes | None = None, event: bytes | None = None) -> Line:
    """Out: a line that opens, whose label and salt follow from its name."""
    label = label or sha256(b"label" + name.encode()).digest()
    salt, said = sha256(b"salt" + name.encode()).digest(), event or f'{{"kind":"{name}"}}'.encode()
    return Line(labels.leaf(label, labels.commit(salt, said)), salt, said)


def key(name: str, attempt: int = 1, **changes: Any) -> ExchangeKey:
    """Out: the key of the exchange of that name: its own message id, unless told otherwise."""
    given: dict[str, Any] = {
        "exchange": f"exchange-{name}",
        "consumer": "wohngeldstelle",
        "message_id": f"message-{name}",
        "digest": DIGEST,
        "attempt": attempt,
        "retention": "24m",
    }
    return ExchangeKey(**(given | changes))


def entry(name: str, *more: str, **changes: Any) -> Entry:
    """Out: an entry with a line for each name."""
    given: dict[str, Any] = {"origin": ORIGIN, "lines": tuple(line(one) for one in (name, *more)), "now": NOW}
    return Entry(**(given | changes))


def settlement(kind: str = "answered", reply: bytes | None = b"sealed reply", **changes: Any) -> Settlement:
    """Out: a terminal outcome kept for ten days; only `answered` keeps a use."""
    given: dict[str, Any] = {"keeps_use": kind == "answered", "keep_until": NOW + timedelta(days=10)}
    return Settlement(kind, reply=reply, **(given | changes))


def standing(record: str | None = None, revision: int | None = None, **changes: Any) -> Standing:
    """Out: what must still be so: the policy of `furnish`, and a record's revision."""
    given: dict[str, Any] = {"policy": POLICY, "not_after": None}
    return Standing(record=record, revision=revision, **(given | changes))


def step(record: str, revision: int, state: RecordState = RecordState.GIVEN, **terms: str) -> RecordEvent:
    """Out: one event of a record, whose body this module's `fold` understands."""
    given = {"recipient": "wohngeldstelle", "case": "wg-1", "family_name": "Beispiel", "born": "1990-02-03"}
    body = json.dumps(given | terms, sort_keys=True).encode()
    return RecordEvent(record, revision, state, body, f"receipt-{record}-{revision}")


def fold(events: Sequence[RecordEvent], uses: int) -> Held:
    """Out: the record of `step` events, or the power where they name a proof (stands in for gateway.records, which
    also checks the receipts)."""
    last, terms = events[-1], json.loads(events[-1].body)
    subject = Subject(
        idnr=terms.get("idnr"),
        birth_date=date.fromisoformat(terms["born"]),
        family_name=terms["family_name"],
        given_name=terms.get("given_name", "Anna"),
    )
    begins, ends = NOW, NOW + timedelta(days=30)
    if "proof" in terms:
        guardian = Subject(birth_date=date(1970, 1, 1), family_name="Muster", given_name="Max")
        return Power(
            last.record,
            last.state,
            last.revision,
            subject,
            guardian,
            terms["proof"],
            "buergerportal",
            begins,
            ends,
        )
    return Record(
        id=last.record,
        kind=BasisKind.CONSENT,
        state=last.state,
        revision=last.revision,
        subject=subject,
        recipient=terms["recipient"],
        register="melderegister",
        evidence="residence",
        fields=frozenset({"street"}),
        purpose="housing-benefit",
        procedure="wohngeld-antrag",
        case=terms["case"],
        norm="EGovG § 5",
        recorded_by="buergerportal",
        not_before=begins,
        not_after=ends,
        uses=uses,
        representative=terms.get("representative"),
    )


async def furnish(store: SqlStore, records: int = 1) -> None:
    """Open both classes' shards, make POLICY current, and give consent `records` times (c-1, c-2, …)."""
    assert await store.open_shard(ORIGIN, "24m", b"sealed secrets", line("opening"))
    assert await store.open_shard(OTHER, "12m", b"sealed secrets", line("opening of the other"))
    assert isinstance(await store.append(entry("policy", policy=(POLICY, b"archive"))), Committed)
    for number in range(1, records + 1):
        given = entry(f"consent {number}", records=(step(f"c-{number}", 1),))
        assert isinstance(await store.append(given), Committed)


def one_use(record: str = "c-1") -> Use:
    """Out: a use of a record that may be used once."""
    return Use(record, 1)


async def size(store: SqlStore, origin: str = ORIGIN) -> int:
    """Out: how many lines the shard has."""
    return next(shard.head.size for shard in await store.shards() if shard.head.origin == origin)


async def committed(store: SqlStore, name: str, **changes: object) -> Committed:
    """Append an entry that is taken. Out: its place and the head after it."""
    result = await store.append(entry(name, **changes))
    assert isinstance(result, Committed), result
    return result


async def settle(store: SqlStore, name: str, kind: str = "answered", **changes: object) -> Committed:
    """Append the end of an exchange."""
    given: dict[str, object] = {"exchange": key(name), "settlement": settlement(kind)}
    return await committed(store, f"{name} {kind}", **(given | changes))
