"""The battery of lies about an export, and its count for the last lines of the run."""

from __future__ import annotations

import counted
from export_lies import Found

from gateway.audit.verify.exported.verdict import Outcome, Verdict


def judge(verdict: Verdict, found: Found) -> None:
    """Count a lie, and fail where it is not found, or is found elsewhere. In: the step and place that name it."""
    first = verdict.findings[0] if verdict.findings else None
    named = verdict.outcome is Outcome.FALSE and first is not None and (first.step, first.place) == found
    count(named)
    assert named, f"{verdict.outcome}, first {first}, not {found}"
    assert verdict.shown == ()


def count(found: bool, lies: int = 1) -> None:
    """In: whether all of so many lies were found."""
    counted.count(
        "export battery", **{"lies told": lies, "found": lies * found, "missed": lies * (not found)}
    )
