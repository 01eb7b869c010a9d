"""A person's journal lines, told to that person: a pure fold, never in a message's way.

In: the lines that stand under the person's labels, the records and powers about them, the policy's titles.
Out: an `Auskunft`, newest first. It names data and never holds a value of evidence; nor do the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from gateway.audit.german_time import german_time
from gateway.views import decisions, lines
from gateway.views.auskunft import Auskunft, Closed, Entry, JournalLine, Kept, Month, Titles
from gateway.views.entries import entry
from gateway.views.naming import Names
from gateway.views.words import Words, edition, words


def fold(
    told: Iterable[JournalLine],
    kept: Sequence[Kept],
    subjects: Sequence[str],
    titles: Titles,
    start: datetime,
    to: datetime,
    lost: Sequence[str] = (),
) -> Auskunft:
    """In: a person's lines in any order, records and powers, subjects as in LOG.md 5, the period as aware times; which
    lines of the log were lost in a restore.

    Every line is told once: in an entry, as a step of a record or power, or as closed.
    """
    names = Names(titles, words())
    steps: dict[str, list[JournalLine]] = {item.held.id: [] for item in kept}
    rest: list[JournalLine] = []
    closed: list[JournalLine] = []
    for line in sorted(told, key=lambda line: (line.origin, line.index)):
        if line.event is None:
            closed.append(line)
        elif lines.is_step(line) and (of := lines.record(line)) in steps:
            steps[of].append(line)
        else:
            rest.append(line)
    return Auskunft(
        edition=edition(),
        authority=titles.authority,
        forms=tuple(names.form(subject) for subject in subjects),
        start=start,
        to=to,
        months=_months((entry(group, names) for group in lines.exchanges(rest)), names.words),
        consents=decisions.consents(kept, steps, names, to),
        powers=decisions.powers(kept, steps, names, to),
        closed=tuple(Closed(line.origin, line.index, line.withheld or "") for line in closed),
        lost=tuple(lost),
    )


def _months(entries: Iterable[Entry], told: Words) -> tuple[Month, ...]:
    newest = sorted(entries, key=lambda entry: (entry.time, entry.places[-1].index), reverse=True)

    def month(entry: Entry) -> tuple[int, int]:
        local = german_time(entry.time)
        return (local.year, local.month)

    return tuple(
        Month(year, number, told.text("month", str(number)), tuple(group))
        for (year, number), group in groupby(newest, key=month)
    )
