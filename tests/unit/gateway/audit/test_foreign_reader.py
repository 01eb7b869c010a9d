"""VERIFY.txt is enough: a verifier written from it alone, on other libraries, says what ours says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import foreign_reader
import pytest
from export_forgeries import FORGERIES, truly_made, whole_house_of_a_stranger
from export_lies import LIES
from export_sample import AUDITOR_VKEY, SHARDS, TRUE, VKEY, Lie
from small_log import REGISTER_FORM, WITNESS, SmallShard, small_log, small_proof

from gateway.audit.verify.exported.export import verify_export

WITNESS_VKEY = WITNESS.cosigner.vkey


def both(file: bytes, auditors: list[str], witnesses: list[str]) -> tuple[str, bool]:
    """Out: what both say of a file."""
    ours = verify_export(file, VKEY, auditors, witnesses)
    theirs = foreign_reader.verify(file, VKEY, auditors, witnesses)
    assert theirs == (str(ours.outcome), bool(ours.witnesses)), ours.findings
    return theirs


def witnessed() -> bytes:
    shards = small_log()
    for name in ("12m/11", "24m/11"):
        shards[name].witnessed()
    return small_proof(shards).render()


def ended_apart() -> bytes:
    old = SmallShard.open("24m", 2025, 9)
    new = SmallShard.open("24m", 2026, 11, old.close())
    gone = SmallShard.open("12m", 2025, 10)
    short = SmallShard.open("12m", 2026, 11, gone.close())
    for shard in (new, short):
        shard.add(3)
        shard.sign()
    return small_proof({"12": short, "old": old, "new": new}, start=date(2025, 9, 1)).render()


@pytest.mark.parametrize(
    ("file", "outcome"),
    [
        (TRUE, ("complete-checked", False)),
        (witnessed(), ("complete-checked", True)),
        (small_proof(SHARDS, erased=True).render(), ("true-not-complete", False)),
        (
            small_proof(SHARDS, forms=("idnr:02665439872", REGISTER_FORM)).render(),
            ("complete-checked", False),
        ),
        (ended_apart(), ("complete-checked", False)),
        *((file, ("complete-checked", False)) for file in truly_made().values()),
        (whole_house_of_a_stranger(), ("signer-unknown", False)),
    ],
)
def test_both_accept_what_is_true(file: bytes, outcome: tuple[str, bool]) -> None:
    """Present and absent, erased, witnessed, classes that end apart, a stranger's house; and who checked."""
    assert both(file, [AUDITOR_VKEY], [WITNESS_VKEY]) == outcome
    unaudited = both(file, [], [])[0]
    assert unaudited == ("complete-if-honest" if outcome[0] == "complete-checked" else outcome[0])


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_both_refuse_a_lie(lie: Lie) -> None:
    """What ours finds, the text says how to find."""
    said = json.loads(TRUE)
    lie(said)
    assert both(json.dumps(said).encode(), [AUDITOR_VKEY], [])[0] == "false"


@pytest.mark.parametrize("forged", FORGERIES, ids=lambda forged: forged.__name__)
def test_both_refuse_a_forgery(forged: Callable[[], bytes]) -> None:
    """The same of what is re-signed, older or cut."""
    assert both(forged(), [AUDITOR_VKEY], [WITNESS_VKEY])[0] == "false"
