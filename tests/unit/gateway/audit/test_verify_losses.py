"""What a restored shard says was lost excuses that, and nothing besides; and what it excuses is told."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from small_log import AUDITOR, AUTHORITY, IDENTITY, PERSON, TO, SmallShard

from gateway.audit import labels, proof, record
from gateway.audit.record import Event, Kind
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.audit.verify.reading import Findings, read_shard

TIME = "2026-11-21T20:16:00Z"
CLASSES = ("24m",)


def shard(month: int, previous: str | None, lines: int, number: int = 1) -> SmallShard:
    made = SmallShard.open("24m", 2026, month, previous, CLASSES, number=number)
    made.add(lines)
    return made


def restored(previous: str, told: Sequence[str], number: int = 1) -> SmallShard:
    made = SmallShard.open("24m", 2026, 11, previous, CLASSES, number=number)
    event = Event(
        kind=Kind.RESTORED, time=datetime(2026, 11, 20, 9, tzinfo=UTC), reasons=("disk failed", *told)
    )
    made._append([(labels.system(made.origin), record.to_bytes(event))])
    made.add(2)
    made.sign()
    return made


def part(one: SmallShard) -> proof.ShardProof:
    line, proved = one.lines[1], one.proved((PERSON,), TIME)
    if not line.event or b"disk failed" not in line.event or line.salt is None:
        return proved
    path = tuple(one.nodes().inclusion(1))
    start = proof.Start(leaf=line.leaf, salt=line.salt, event=line.event, proof=path)
    return proved.model_copy(update={"restored": start})


def verified(shards: Sequence[SmallShard], start: date) -> Verdict:
    authority = proof.Authority(name=AUTHORITY, vkey=IDENTITY.verifier.vkey)
    parts = [part(one) for one in shards]
    document = proof.Proof.make(authority, start, TO, parts).render()
    return verify_export(document, IDENTITY.verifier.vkey, [AUDITOR.cosigner.vkey])


@pytest.mark.parametrize(
    "told",
    [
        ("{log} {cut}-1", "{log}/index {end}-{end}"),
        ("{log}/index {end}-{end}", "{log} {end}-{end}"),
        ("{log} {cut}-{cut}", "{log}/index {cut}-{end}x"),
        ("{log}/index {cut}-{cut}", "{log} {end}-{end}"),
        ("{log}/index {cut}-{beyond}", "{log} {beyond}-{end}"),
        ("{log}/index {cut}-{next}", "{log} {last}-{end}"),
    ],
)
def test_lines_that_no_span_names_are_not_excused(told: tuple[str, ...]) -> None:
    """Spans that end before they begin, name nothing, or leave a gap between them hide no line of an older state."""
    whole = shard(11, None, 3)
    whole.sign()
    old = copy.deepcopy(whole)
    whole.add(6, every=1)
    places = {"log": whole.origin, "cut": old.edge.size, "end": whole.edge.size + 12}
    closing = whole.close()
    end = whole.edge.size
    places |= {"end": end, "beyond": end + 9, "next": old.edge.size + 1, "last": end - 1}
    after = restored(closing, [one.format(**places) for one in told], 2)
    assert verified([old, after], date(2026, 11, 1)).outcome is Outcome.FALSE
    true = restored(closing, [f"{whole.origin} {old.edge.size}-{whole.edge.size}"], 2)
    verdict = verified([old, true], date(2026, 11, 1))
    assert verdict.outcome is Outcome.TRUE_NOT_COMPLETE
    assert verdict.lost == (f"{whole.origin}: {old.edge.size}–{whole.edge.size - 1}",)


def test_behind_a_shard_that_is_lost_none_that_is_there_can_be_left_out() -> None:
    """Line 1 names the last shard there is: exactly that one stands before the gap."""
    august = shard(8, None, 3)
    september = shard(9, august.close(), 5)
    october = shard(10, september.close(), 1)
    told = [f"{october.origin} 0-{october.edge.size}"]
    there = f"last there: {september.origin} {september.edge.size}"
    after = restored(october.close(), [*told, there])
    verdict = verified([august, september, after], date(2026, 8, 1))
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert f"{october.origin}: 0–{october.edge.size - 1}" in verdict.lost
    assert f"{september.origin}: {september.edge.size}–?" in verdict.lost
    for lie in ([august, after], [after]):
        assert verified(lie, date(2026, 8, 1)).outcome is Outcome.FALSE
    unnamed = restored(october.close(), told)
    for lie in ([august, september, unnamed], [august, unnamed], [unnamed]):
        assert verified(lie, date(2026, 8, 1)).outcome is Outcome.FALSE
    shorter = copy.deepcopy(shard(9, august.close(), 1))
    shorter.sign()
    assert verified([august, shorter, after], date(2026, 8, 1)).outcome is Outcome.FALSE


def test_a_period_that_begins_in_the_gap_goes_back_to_the_last_shard_there_is() -> None:
    """The shard before a month that is gone is the one that line 1 names: an export that begins after it needs no more,
    one that begins in it does. So it is only where the whole month is told to be gone, and within one class."""
    august = shard(8, None, 3)
    september = shard(9, august.close(), 5)
    october = shard(10, september.close(), 1)
    gone = f"{october.origin} 0-{october.edge.size}"
    there = f"last there: {september.origin} {september.edge.size}"
    after = restored(october.close(), [gone, there])
    found = Findings()
    read = read_shard(part(after), IDENTITY.verifier, (), found)
    assert read is not None
    assert read.previous_origin == Origin.parse(september.origin)
    verdict = verified([after], date(2026, 10, 1))
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert verified([after], date(2026, 9, 1)).outcome is Outcome.FALSE
    elsewhere = september.origin.replace("/24m/", "/12m/")
    part_of_it = f"{october.origin} 1-{october.edge.size}"
    for lie in ([gone], [there], [part_of_it, there], [gone, f"last there: {elsewhere} 9"]):
        assert verified([restored(october.close(), lie)], date(2026, 10, 1)).outcome is Outcome.FALSE


def test_what_was_before_a_loss_of_everything_nobody_knows() -> None:
    """No shard is there before the gap: the export holds from the oldest one that is told to be gone, and whoever reads
    what is lost sees that there may be more."""
    september = shard(9, None, 5)
    october = shard(10, september.close(), 1)
    gone = [f"{one.origin} 0-{one.edge.size}" for one in (september, october)]
    after = restored(october.close(), [*gone, "last there: none"])
    verdict = verified([after], date(2026, 9, 1))
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    whole = tuple(f"{one.origin}: 0–{one.edge.size - 1}" for one in (september, october))
    assert verdict.lost == (*whole, "?")
    assert verified([after], date(2026, 8, 1)).outcome is Outcome.FALSE
    for lie in (gone, [*gone, "last there: none", "last there: none"], [*gone[:1], "last there: none"]):
        assert verified([restored(october.close(), lie)], date(2026, 9, 1)).outcome is Outcome.FALSE


def test_who_can_not_say_how_much_is_lost_is_never_complete() -> None:
    """An open end is told; it excuses no line that was signed."""
    whole = shard(11, None, 3)
    closing = whole.close()
    after = restored(closing, [f"{whole.origin} {whole.edge.size}-?"], 2)
    verdict = verified([whole, after], date(2026, 11, 1))
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert verdict.lost == (f"{whole.origin}: {whole.edge.size}–?",)
