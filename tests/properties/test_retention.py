"""How long a line is kept: to the end of a German day, never shorter than its months; and how that is told."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.german_time import german_time
from gateway.audit.record import Event, Kind
from gateway.audit.retention import Erased, Rule, Span, Until, heard, kept_until, spans_of, told
from gateway.audit.shard import Origin

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
MONTHS = st.integers(1, 120)


@given(DAYS, MONTHS)
def test_a_line_is_kept_its_months_to_the_day(day: date, months: int) -> None:
    """The day of the same number so many months later, or that month's last: § 188 BGB."""
    last = kept_until(day, months)
    assert (last.year * 12 + last.month) - (day.year * 12 + day.month) == months
    assert last.day == min(day.day, monthrange(last.year, last.month)[1])


@given(DAYS, DAYS, MONTHS, st.sampled_from(Until))
def test_an_older_line_is_never_kept_longer(one: date, other: date, months: int, until: Until) -> None:
    """So a shard is over with its youngest line."""
    early, late = sorted((one, other))
    assert kept_until(early, months, until) <= kept_until(late, months, until)


@given(DAYS, MONTHS)
def test_to_the_end_of_the_calendar_year(day: date, months: int) -> None:
    """Kept at least its months, and erased with the year in which they end."""
    last = kept_until(day, months, Until.CALENDAR_YEAR)
    assert (last.month, last.day) == (12, 31)
    assert last.year == kept_until(day, months).year
    assert last >= kept_until(day, months)


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2026, 11, 21), 24, date(2028, 11, 21)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
    ],
)
def test_ends_of_months_and_leap_years(day: date, months: int, last: date) -> None:
    """Where the month has no such day, its last; and on the day after it is erased."""
    rule = Rule("x", "norm", months)
    assert (rule.kept_until(day), rule.erased_on(day)) == (last, last + timedelta(days=1))


def test_bmg_40_by_the_end_of_the_following_calendar_year() -> None:
    """From New Year's Day to New Year's Eve: all of a year goes with the end of the next, after 12 months at least."""
    rule = Rule("12m", "BMG § 40", 12, Until.CALENDAR_YEAR)
    assert {rule.kept_until(date(2026, 1, 1)), rule.kept_until(date(2026, 12, 31))} == {date(2027, 12, 31)}


@given(st.integers(0, 40 * 366 * 24), st.integers(1, 60))
def test_no_line_outlives_the_month_after_its_shards_last(hours: int, months: int) -> None:
    """A reader reckons with it (docs/decisions/0021): a shard may be gone from that month on, and its lines are."""
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    origin = Origin.at("a", f"{months}m", moment)
    last = kept_until(german_time(moment).date(), months)
    assert origin.first_due is not None
    assert origin.gone_from is not None
    assert origin.first_due <= (last.year, last.month) <= origin.gone_from


@given(st.lists(st.integers(1, 10**6), unique=True, min_size=1).map(sorted))
def test_what_is_erased_is_told_and_read_again(indexes: list[int]) -> None:
    """Exactly these lines, as runs, and nothing else."""
    spans = spans_of(indexes)
    assert [at for span in spans for at in range(span.start, span.stop)] == indexes
    erased = Erased("IDNrG § 9", "a.example/24m/2026-11", spans)
    event = Event(kind=Kind.RETENTION_ERASED, time=datetime(2028, 11, 22, tzinfo=UTC), reasons=told(erased))
    assert heard(event) == erased


def test_a_destroyed_shard_is_told_and_other_words_are_not_believed() -> None:
    """Norm and origin; anything else tells of nothing."""
    now = datetime(2028, 12, 2, tzinfo=UTC)
    gone = Erased("IDNrG § 9", "a.example/24m/2026-11", ())
    assert heard(Event(kind=Kind.RETENTION_DESTROYED, time=now, reasons=told(gone))) == gone
    for kind, reasons in (
        (Kind.RETENTION_DESTROYED, ("norm",)),
        (Kind.RETENTION_ERASED, ("norm", "a.example/24m/2026-11")),
        (Kind.RETENTION_ERASED, ("norm", "a/24m/2026-11 1-2", "b/24m/2026-11 1-2")),
        (Kind.RETENTION_ERASED, None),
        (Kind.HOLD_PLACED, told(gone)),
    ):
        assert heard(Event(kind=kind, time=now, reasons=reasons)) is None


def test_runs_begin_and_end_where_lines_do() -> None:
    """Half-open: the stop is none of them."""
    assert spans_of([1, 2, 3, 7]) == (Span(1, 4), Span(7, 8))
