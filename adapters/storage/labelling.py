"""Finding lines by their labels: the index of labels is kept by runs of lines (`schema.RUN_BITS`).

Labels are as good as random. One index over a whole shard has an append change a page for every line, and the more of
them the larger the shard; by runs it changes those of the newest run alone. A look-up asks every run there is.
"""

from __future__ import annotations

import sqlalchemy as sa

from adapters.storage.schema import LINE, run_of


def runs(shard: sa.ColumnElement[int]) -> sa.CTE:
    """Out: the runs in which the shard has lines, each found by the one before it, whatever numbers somebody gave."""
    first = sa.select(sa.func.min(run_of(LINE.c.idx)).label("run")).where(LINE.c.shard == shard)
    found = first.cte("runs", recursive=True)
    later = LINE.alias("later")
    following = sa.select(sa.func.min(run_of(later.c.idx)))
    following = following.where(later.c.shard == shard, run_of(later.c.idx) > found.c.run)
    next_one = following.correlate(found).scalar_subquery()
    return found.union_all(sa.select(next_one).where(found.c.run.is_not(None)))


def labelled(
    line: sa.FromClause,
    shard: sa.ColumnElement[int],
    some: sa.CTE,
    first: sa.ColumnElement[int] | None = None,
) -> sa.ColumnElement[bool]:
    """Out: whether a line is the shard's, in the words by which it is found by its label.

    In: `some` are the shard's runs, of which that of the line `first` and later ones are asked. Whatever else is asked
    of the line's `idx` is asked of `place`.
    """
    asked = sa.select(some.c.run)
    if first is not None:
        asked = asked.where(some.c.run >= run_of(first))
    return sa.and_(line.c.shard == shard, run_of(line.c.idx).in_(asked))


def place(line: sa.FromClause) -> sa.ColumnElement[int]:
    """Out: the line's `idx` as SQLite can't look it up: it would rather go through the whole shard in that order."""
    found: sa.ColumnElement[int] = line.c.idx + sa.literal_column("0")
    return found
