"""The floor under an exchange: what any gateway with these duties pays, each primitive called directly.

Parse and XSD of request and answer (libxml2), one signature verified and one made (libsodium), one row of a register,
and two log lines, written durably 32 at a time (SQLite, full sync). Nothing of the house is in it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from lxml import etree
from nacl.bindings import crypto_sign, crypto_sign_keypair, crypto_sign_open

from gateway.cli.bench.appending import EVENT_BYTES
from gateway.cli.bench.measuring import per_call_us

BATCH = 32
_LINES_AN_EXCHANGE = 2
_BATCHES = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and its answer as they travel, the schema of both, and a register to read a row from."""

    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    schema: Path
    register: Path
    row: str
    key: str = field(repr=False)


def run(sample: Sample, folder: Path) -> dict[str, float]:
    """Out: microseconds of each part of the floor, by name."""
    schema = etree.XMLSchema(etree.parse(sample.schema))  # noqa: TID251  the bare library is what is measured
    public, secret = crypto_sign_keypair()
    signed = crypto_sign(sample.request, secret)

    def understood(body: bytes) -> Callable[[], object]:
        return lambda: schema.validate(etree.fromstring(body))  # noqa: TID251

    with closing(sqlite3.connect(sample.register)) as register:
        return {
            "request_parse_xsd": per_call_us(understood(sample.request)),
            "answer_parse_xsd": per_call_us(understood(sample.answer)),
            "verify": per_call_us(lambda: crypto_sign_open(signed, public)),
            "sign": per_call_us(lambda: crypto_sign(sample.answer, secret)),
            "row": per_call_us(lambda: register.execute(sample.row, (sample.key,)).fetchone()),
            "two_lines": _lines_us(folder / "floor.sqlite3") * _LINES_AN_EXCHANGE,
        }


def _lines_us(path: Path) -> float:
    """Out: microseconds a durable line takes, the median batch of 32 over 32."""
    event = json.dumps({"event": "e" * EVENT_BYTES}).encode()
    batches = []
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        log.executescript(
            "pragma journal_mode=wal; pragma synchronous=full;"
            "create table line (idx integer primary key, leaf blob, salt blob, event blob)"
        )
        for _ in range(_BATCHES):
            start = perf_counter()
            log.execute("begin immediate")
            rows = [(sha256(event).digest(), event[:32], event) for _ in range(BATCH)]
            log.executemany("insert into line (leaf, salt, event) values (?, ?, ?)", rows)
            log.execute("commit")
            batches.append((perf_counter() - start) / BATCH)
    return sorted(batches)[len(batches) // 2] * 1e6
