"""The event, version 1."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consent.vocabulary import BasisKind, Check, Fact
from gateway.audit import record, schema
from gateway.audit.record import Event, EventInvalid, Kind, Labelled

NOW = datetime(2026, 11, 21, 20, 15, 0, 123999, UTC)
FULL = Event(
    kind=Kind.ANSWERED,
    time=NOW,
    exchange="5e0c0e52-6f0c-4a3c-9d3b-3f1f6f7f0001",
    attempt=1,
    message="5e0c0e52-6f0c-4a3c-9d3b-3f1f6f7f0002",
    consumer="wohngeldstelle",
    on_behalf_of="jobcenter",
    actor="p-17",
    register="melderegister",
    evidence="residence",
    standard="xeinmal",
    version="1.0",
    purpose="housing-benefit",
    procedure="wohngeld-antrag",
    case="WG-2026/0042",
    basis=record.Basis(kind=BasisKind.CHOICE, norm="EGovG § 5", record="r-1", revision=2),
    grant="wohngeld-residence",
    requested=("town",),
    released=("town",),
    removed=(record.RemovedField(field="religion", rule="grant"),),
    reasons=("no-basis",),
    facts=MappingProxyType({Check.GRANT: Fact.PASSED, Check.AUTHENTIC: Fact.PASSED}),  # type: ignore[arg-type]
    digests=record.Digests(request="a" * 64, reply="b" * 64, policy="c" * 64),
    integrity=record.Integrity(alg="EdDSA", ok=True),
    verdict=record.SchemaVerdict(schema="valid", rules=()),
    times=record.Times(received=NOW, decided=NOW, asked=NOW, answered=NOW),
    asked=record.Asked(origin="musterstadt.example/24m/2026-11", index=1041),
    concerned="subject",
)
FIELDS = (
    "v kind time exchange attempt message consumer on_behalf_of actor register evidence standard version purpose "
    "procedure case basis grant requested released removed reasons facts digests integrity verdict times asked "
    "concerned"
)


def test_an_event_has_exactly_the_keys_of_the_format() -> None:
    """All keys there are, and those within."""
    read = json.loads(record.to_bytes(FULL))
    assert read.keys() == set(FIELDS.split())
    assert read["basis"].keys() == {"kind", "norm", "record", "revision"}
    assert read["digests"].keys() == {"request", "reply", "policy"}
    assert read["verdict"] == {"schema": "valid", "rules": []}
    assert read["times"].keys() == {"received", "decided", "asked", "answered"}
    assert read["facts"] == {"authentic": "passed", "grant": "passed"}


def test_absent_keys_are_left_out() -> None:
    """What is not known is not there; nothing is null."""
    small = Event(kind=Kind.POLICY_LOADED, time=NOW, digests=record.Digests(policy="c" * 64))
    assert record.to_bytes(small) == (
        b'{"digests":{"policy":"'
        + b"c" * 64
        + b'"},"kind":"policy.loaded","time":"2026-11-21T20:15:00.123Z","v":1}'
    )
    assert b"null" not in record.to_bytes(FULL)


def test_the_bytes_come_back() -> None:
    """What was written is read as the same event, and only from the very same bytes."""
    data = record.to_bytes(FULL)
    assert record.to_bytes(record.from_bytes(data)) == data
    for other in (
        data + b" ",
        b" " + data,
        json.dumps(json.loads(data)).encode(),
        data[:-1],
        b"",
        b"[]",
        b"\xff",
    ):
        with pytest.raises(EventInvalid):
            record.from_bytes(other)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "looked-at"},
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"time": "2026-11-21T20:15:00.123"},
        {"religion": "x"},
        {"case": None},
        {"case": ""},
        {"attempt": 0},
        {"digests": {"request": "A" * 64}},
        {"facts": {"grant": "maybe"}},
        {"kind": "shard.opened"},
        {"case": "a\nb"},
    ],
)
def test_what_is_no_event_is_refused_without_quoting_it(change: dict[str, object]) -> None:
    """Unknown keys, kinds, times without zone, null: refused, and the refusal holds no value."""
    said = json.loads(record.to_bytes(FULL)) | change
    with pytest.raises(EventInvalid) as refused:
        record.from_bytes(rfc8785.dumps(said))
    assert "WG-2026" not in str(refused.value)
    assert "looked-at" not in str(refused.value)


def test_times_are_utc_with_three_decimals() -> None:
    """Cut, not rounded; another zone is turned into UTC; without a zone it is no time."""
    assert record.stamp(NOW) == "2026-11-21T20:15:00.123Z"
    berlin = timezone(timedelta(hours=1))
    assert record.stamp(datetime(2026, 1, 1, 0, 30, tzinfo=berlin)) == "2025-12-31T23:30:00.000Z"
    with pytest.raises(ValidationError):
        Event(kind=Kind.ASKED, time=datetime(2026, 1, 1))  # noqa: DTZ001  no zone is what is refused


@given(
    st.text(
        alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60
    ),
    st.integers(1, 2**31),
    st.lists(st.text(alphabet='ab"\\/äß€𝄞\u2028', min_size=1, max_size=5), max_size=4),
)
def test_the_bytes_are_those_of_rfc_8785(case: str, attempt: int, reasons: list[str]) -> None:
    """The fast writer and the reference implementation of RFC 8785 agree on every text an event can hold."""
    event = Event(kind=Kind.FAILED, time=NOW, case=case, attempt=attempt, reasons=tuple(reasons))
    data = record.to_bytes(event)
    assert rfc8785.dumps(json.loads(data)) == data
    assert record.to_bytes(record.from_bytes(data)) == data


def test_a_time_before_the_calendar_is_no_event() -> None:
    """In its own zone it is of the year 1; in UTC it is of none."""
    with pytest.raises(record.EventInvalid):
        record.from_bytes(b'{"kind":"asked","time":"0001-01-01T00:00:00+14:00","v":1}')


def test_every_kind_has_its_label() -> None:
    """DOMAIN.md 5, row by row."""
    rows = {
        Labelled.PERSON: "answered preview.shown preview.used preview.discarded submitted changed.pushed notified "
        "confirmed released export.made read.by",
        Labelled.PERSON_IF_KNOWN: "asked refused no-data failed dead expired objection consent.requested "
        "consent.deferred consent.given consent.refused consent.withdrawn consent.revoked consent.expired "
        "consent.invalidated consent.consumed consent.renewed",
        Labelled.SEALED: "postponed exempt",
        Labelled.SYSTEM: "quarantined shard.opened policy.loaded key.created key.rotated key.revoked "
        "key.destroyed retention.erased retention.destroyed hold.placed hold.lifted hold.exported "
        "replayed restored",
    }
    expected = {kind: label for label, kinds in rows.items() for kind in kinds.split()}
    assert {str(kind): label for kind, label in record.LABELLED.items()} == expected


def test_the_schema_file_is_in_step_with_the_types() -> None:
    """`python -m gateway.audit.schema` prints exactly the packaged file, and it allows no null."""
    assert schema.packaged() == schema.render()
    assert '"null"' not in schema.packaged()
    event = json.loads(schema.packaged())["$defs"]["Event"]
    assert event["properties"].keys() == set(FIELDS.split())
    assert event["required"] == ["kind", "time", "v"]
    assert event["additionalProperties"] is False
