"""A report in a few figures: what a reader sees first, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.views.auskunft import Auskunft, Named

_UNFOLDED = 60
"""So many entries stand open on a page; older months are folded until the reader opens them."""


@dataclass(frozen=True, slots=True)
class OfficeCount:
    """How often one authority asked or had something entered, and how that ended."""

    office: Named
    all: int
    given: int
    filed: int


def counts(auskunft: Auskunft) -> Mapping[str, int]:
    """Out: what happened how often, by the key of its sentence on the page; what did not happen is left out."""
    found = {
        "glance_given": auskunft.count("given"),
        "glance_filed": auskunft.count("filed"),
        "glance_kept": auskunft.count("kept"),
        "glance_open": auskunft.count("open"),
        "glance_looked": sum(entry.outcome == "read.by" for entry in auskunft.entries),
        "glance_consents": sum(consent.valid for consent in auskunft.consents),
        "glance_powers": sum(power.valid for power in auskunft.powers),
    }
    return {key: count for key, count in found.items() if count}


def offices(auskunft: Auskunft) -> tuple[OfficeCount, ...]:
    """Out: every authority that asked or had something entered, who did so most often first."""
    named: dict[str, Named] = {}
    tones: Counter[tuple[str, str]] = Counter()
    for entry in auskunft.entries:
        if entry.consumer is not None and entry.tone != "note":
            named.setdefault(entry.consumer.code, entry.consumer)
            tones.update([(entry.consumer.code, "all"), (entry.consumer.code, entry.tone)])
    told = (
        OfficeCount(office, *(tones[code, tone] for tone in ("all", "given", "filed")))
        for code, office in named.items()
    )
    return tuple(sorted(told, key=lambda one: (-one.all, one.office.code)))


def unfolded(auskunft: Auskunft) -> int:
    """Out: how many months a page shows open: the newest, and as many more as fit."""
    shown = 0
    for months, month in enumerate(auskunft.months):
        shown += len(month.entries)
        if months and shown > _UNFOLDED:
            return months
    return len(auskunft.months)
