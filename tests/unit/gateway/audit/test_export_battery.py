"""The battery: every lie about an export is found, at its step of LOG.md 7, and its place is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from export_battery import count, judge
from export_forgeries import FORGERIES, judged, truly_made, whole_house_of_a_stranger
from export_lies import LIES
from export_sample import Lie, told
from small_log import PERSON, TO, SmallShard, small_proof

from gateway.audit.verify.exported.verdict import Outcome


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_is_found_and_named(lie: Lie) -> None:
    """Told in a true file; the verdict shows nothing, and names nobody."""
    verdict = told(lie)
    judge(verdict, LIES[lie])
    assert not any(PERSON in f"{finding.place} {finding.text}" for finding in verdict.findings)


@pytest.mark.parametrize("forged", FORGERIES, ids=lambda forged: forged.__name__)
def test_a_forgery_is_found_and_named(forged: Callable[[], bytes]) -> None:
    """Re-signed, an older copy, truly signed and short, or no file of this format."""
    judge(judged(forged()), FORGERIES[forged])


def test_a_strangers_whole_house_is_not_the_authoritys() -> None:
    """Everything fits together under its name: the reader is told that the signer is not the one they know."""
    verdict = judged(whole_house_of_a_stranger())
    found = (verdict.outcome, verdict.true, verdict.complete) == (Outcome.SIGNER_UNKNOWN, False, False)
    count(found)
    assert found


@pytest.mark.parametrize("name", truly_made())
def test_what_is_truly_made_with_the_same_tools_holds(name: str) -> None:
    """Or the forgeries would be found for being made by a test."""
    verdict = judged(truly_made()[name])
    assert (verdict.outcome, verdict.findings) == (Outcome.COMPLETE_CHECKED, ())


def test_every_byte_of_an_export_matters() -> None:
    """Each byte of a small export with one bit turned: false, or in the auditor's line no longer checked, or in the
    period's ends a claim that is covered as well."""
    shard = SmallShard.open("24m", 2026, 11, classes=("24m",))
    shard.add(2)
    shard.sign()
    true = small_proof({"24m/11": shard}, forms=(PERSON,), start=TO.date().replace(day=1)).render()
    assert judged(true).outcome is Outcome.COMPLETE_CHECKED
    missed: list[int] = []
    for at in range(len(true)):
        file = bytearray(true)
        file[at] ^= 1 << at % 7
        verdict = judged(bytes(file))
        if verdict.outcome is Outcome.COMPLETE_CHECKED and not _covered(verdict.period):
            missed.append(at)
    count(True, len(true) - len(missed))
    count(False, len(missed))
    assert missed == []


def _covered(period: tuple[str, str] | None) -> bool:
    """Out: whether a claim is another than the true one, and covered by the shard of November and by its index."""
    if period is None or period == ("2026-11-01", "2026-11-21T20:15:00Z"):
        return False
    return period[0] >= "2026-11-01" and period[1] <= "2026-11-21T20:16:00Z"
