"""Which grant follows which: one answers a question on a day, and a newer one may replace an older one.

`predecessor = "ID"` ends the grant ID on the day before the newer one begins (`consent.grants.deciding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from consent.problems import Document, KeyPath, did_you_mean
from consent.tables import Home, Toml, comparable, period, tables, text, texts

_ABOUT: Final = ("consumer", "register", "evidence", "purpose", "write", "on_behalf_of")


@dataclass(frozen=True, slots=True)
class _Placed:
    """A grant as it stands in its file."""

    document: Document
    place: KeyPath
    grant: Toml


def succession(home: Home) -> None:
    """Find every predecessor that can't be one: unknown, about something else, replaced twice, in a circle."""
    placed: dict[str, _Placed] = {}
    for one in _placed(home):
        placed.setdefault(text(one.grant, "id") or "", one)
    successors: dict[str, str] = {}
    for name, one in placed.items():
        older = text(one.grant, "predecessor")
        if older is None:
            continue
        if older not in placed and home.unsure(older, "grants"):
            continue
        found = _wrong(name, older, placed, successors)
        successors.setdefault(older, name)
        if found is not None:
            home.say(one.document, (*one.place, "predecessor"), *found)


def _wrong(
    name: str, older: str, placed: Mapping[str, _Placed], successors: Mapping[str, str]
) -> tuple[str, str] | None:
    """Out: what is wrong with replacing that older grant, and the mend; None if nothing is."""
    if older == name:
        return "a grant can't replace itself", "Name the older grant."
    if older not in placed:
        return f"grant {older!r} is unknown", did_you_mean(older, placed.keys() - {name}, "grant")
    if older in successors:
        other = successors[older]
        mend = f"A grant has one successor: replace {other!r}, or leave predecessor out."
        return f"grant {older!r} is replaced by {other!r} already", mend
    if name in _older_ones(older, placed):
        return f"grants {name!r} and {older!r} replace each other", "Leave it out of the older one."
    newer_grant, older_grant = placed[name].grant, placed[older].grant
    other_matter = [key for key in _ABOUT if newer_grant.get(key, False) != older_grant.get(key, False)]
    if set(texts(newer_grant, "procedures")) != set(texts(older_grant, "procedures")):
        other_matter.append("procedures")
    if other_matter:
        wrong = f"grant {older!r} is about something else: {', '.join(other_matter)}"
        return wrong, "Replace a grant about the same, or leave predecessor out."
    begins, began = newer_grant.get("valid_from"), older_grant.get("valid_from")
    if isinstance(begins, date) and isinstance(began, date) and comparable(began, begins) and begins <= began:
        mend = "Begin later, or remove the older grant from its file."
        return f"begins no later than grant {older!r}, which it replaces", mend
    return None


def _older_ones(name: str, placed: Mapping[str, _Placed]) -> set[str]:
    """Out: the grant and all that it replaces, directly or not."""
    found: set[str] = set()
    at: str | None = name
    while at is not None and at in placed and at not in found:
        found.add(at)
        at = text(placed[at].grant, "predecessor")
    return found


def overlaps(home: Home) -> None:
    """Two grants answer the same question on the same day: then nobody can say which one decides. What was
    revoked answers none; what is replaced, none from that day on."""
    begins = {
        older: one.grant.get("valid_from")
        for one in _placed(home)
        if (older := text(one.grant, "predecessor")) is not None
    }
    seen: dict[tuple[object, ...], list[Toml]] = {}
    for one in _placed(home):
        grant = one.grant
        if period(grant)[0] is None or text(grant, "id") in home.revoked:
            continue
        about = tuple(text(grant, key) for key in _ABOUT if key != "write")
        clash: Toml | None = None
        for procedure in texts(grant, "procedures"):
            for kind in texts(grant, "basis"):
                others = seen.setdefault((*about, grant.get("write") is True, procedure, kind), [])
                clash = next((other for other in others if _meet(grant, other, begins)), clash)
                others.append(grant)
        if clash is not None and clash is not grant:
            wrong = f"answers the same question as grant {text(clash, 'id')!r} in the same time"
            mend = "Let one end before the other begins, name the older as predecessor, or make them one."
            home.say(one.document, (*one.place, "id"), wrong, mend)


def _meet(one: Toml, other: Toml, begins: Mapping[str, object]) -> bool:
    """Out: whether both cover a day."""
    (start, end), (other_start, other_end) = period(one), period(other)
    if not comparable(start, other_start):
        return False
    first = max(start, other_start)
    return bool(
        first <= end
        and first <= other_end
        and not any(_replaced(grant, first, begins) for grant in (one, other))
    )


def _replaced(grant: Toml, day: date, begins: Mapping[str, object]) -> bool:
    successor = begins.get(text(grant, "id") or "")
    return isinstance(successor, date) and comparable(day, successor) and successor <= day


def _placed(home: Home) -> Iterator[_Placed]:
    for document in home.of("grants"):
        for place, grant in tables(document, "grant"):
            yield _Placed(document, place, grant)
