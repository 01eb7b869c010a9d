"""An operator who cuts off the end of what a person is told: the shard that follows in the same month left out, an
index dated ahead, a class added in the middle of a month (LOG.md 7, steps 3 and 4; docs/decisions/0021, 0026)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import town as towns
from indexing import epochs_of, tell
from small_log import AUDITOR, TO, small_log, small_proof
from small_log import IDENTITY as SMALL
from tiling import audited, authority, misfits, publish
from town import StillClock, Town

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.cli.demo.people import anna
from gateway.journal.shards import OpenShard
from gateway.ports import Head
from gateway.proving.epochs import DatedAhead, Epochs, Indexed
from gateway.views.export import disassemble

FIRST, SECOND = "musterstadt.example/24m/2026-11", "musterstadt.example/24m/2026-11.2"
RULE = '\n[[retention]]\nclass = "36m"\nnorm = "§ 1 Musterordnung"\nmonths = 36\n'


async def proof(town: Town) -> bytes:
    made = await person.export(
        Subject(idnr=anna().idnr, birth_date=anna().birth_date), town.opened.holdings(), town.clock.now()
    )
    assert made is not None
    return disassemble(made.archive).proof.document


def judged(town: Town, document: bytes, left_out: Callable[[str], bool] = lambda _: False) -> Verdict:
    """Out: what the person's own check says of an export without these shards."""
    said = json.loads(document)
    said["shards"] = [shard for shard in said["shards"] if not left_out(shard["origin"])]
    return verify_export(json.dumps(said).encode(), town.opened.keys.identity_vkey)


class Late(Epochs):
    """Stamps a closed shard's last epoch with the time it is made."""

    async def _ended(self, shard: OpenShard, head: Head, before: Indexed | None) -> datetime:
        return datetime.max.replace(tzinfo=UTC)


class TestFollowed:
    async def test_a_shard_that_follows_in_the_same_month_is_not_left_out_unseen(self, town: Town) -> None:
        """The closed one's last epoch is no later than its last line, so that it does not reach the period's end."""
        await proof(town)
        last = town.clock.now()
        town.clock.passes(hours=1)
        await tell(town, 1)
        told = town.clock.now()
        await town.opened.shards.renew("24m", town.clock.now())
        town.clock.passes(hours=8)
        document = await proof(town)
        assert judged(town, document).outcome is Outcome.COMPLETE_IF_HONEST
        verdict = judged(town, document, lambda origin: origin == SECOND)
        assert verdict.outcome is Outcome.FALSE
        assert "its index ends before the period does" in [one.text for one in verdict.findings]
        times = {one.shard.origin: one.time for one in await town.opened.epochs.make(town.clock.now())}
        assert last < times[FIRST] == told < times[SECOND] == town.clock.now()

    async def test_shards_renewed_one_after_the_other_never_go_back(self, town: Town, tmp_path: Path) -> None:
        """One with nothing but leaf 0, which has no time: it ends where the one before it does. The auditor agrees."""
        await proof(town)
        for _ in range(2):
            await town.opened.shards.renew("24m", town.clock.now())
        town.clock.passes(hours=8)
        await publish(town, tmp_path / "log")
        assert not misfits(audited(tmp_path / "log", authority(town)))

    async def test_the_auditor_refuses_a_closed_shard_that_ends_late(
        self, town: Town, tmp_path: Path
    ) -> None:
        """Its last epoch would vouch for a time in which the shard after it was written to."""
        await town.opened.shards.renew("24m", town.clock.now())
        await town.opened.epochs._at(*await _newest(town), town.clock.now(), is_open=True)
        town.clock.passes(hours=8)
        late = epochs_of(town.opened)
        late.__class__ = Late
        await publish(town, tmp_path / "log", late)
        (misfit,) = misfits(audited(tmp_path / "log", authority(town)))
        assert misfit.place == FIRST
        assert "its last epoch is later than the first of the shard after it" in misfit.text


async def _newest(town: Town) -> tuple[OpenShard, Head, str]:
    return (await town.opened.shards.headed())[-1]


class TestDatedAhead:
    async def test_the_auditor_refuses_an_epoch_of_a_time_that_has_not_come(
        self, town: Town, tmp_path: Path
    ) -> None:
        """All else is true. A minute is the clocks' own."""
        now = town.clock.now()
        town.clock.passes(days=9)
        await publish(town, tmp_path / "log")
        for ahead, wrong in ((timedelta(days=9), 2), (timedelta(seconds=61), 2), (timedelta(minutes=1), 0)):
            found = audited(tmp_path / "log", authority(town), now=now + timedelta(days=9) - ahead)
            assert [one.text.split(",")[0] for one in misfits(found)] == ["it is dated ahead"] * wrong
            assert [found.agreed(one) for one in found.shards] == [not wrong] * 2

    @pytest.mark.parametrize("minutes", [0, 60])
    def test_who_cosigned_before_the_epochs_time_has_not_checked_it(self, minutes: int) -> None:
        """By the cosigner's own clock. The auditor of the sample signed at 20:27."""
        proved = small_proof(small_log(), to=TO + timedelta(minutes=minutes)).render()
        verdict = verify_export(proved, SMALL.verifier.vkey, [AUDITOR.cosigner.vkey])
        assert verdict.auditors == (() if minutes else (AUDITOR.name,))
        assert verdict.outcome is (Outcome.COMPLETE_IF_HONEST if minutes else Outcome.COMPLETE_CHECKED)

    async def test_after_one_that_is_dated_ahead_none_is_made(self, town: Town) -> None:
        """The clock was wrong and was set right: it is said, also by the check of the log, until the time has come."""
        now = town.clock.now()
        await town.opened.epochs.make(now + timedelta(hours=3))
        await tell(town, 1)
        with pytest.raises(DatedAhead, match="2026-11-21T23:15:00Z"):
            await town.opened.epochs.make(now)
        reports = assembly.verify_log(town.root, now)
        wrong = [one.told for report in reports for one in report.wrong]
        assert [one.split(" leaf: ")[1] for one in wrong] == [
            "dated ahead of now: it claims what it can't know yet"
        ] * 2
        later = now + timedelta(hours=3)
        assert {one.time for one in await town.opened.epochs.make(later)} == {later}
        assert all(report.holds for report in assembly.verify_log(town.root, later))


async def added(root: Path) -> Town:
    """Out: the house, opened with a class more."""
    settings = root / "einmal.toml"
    text = re.sub(r"(?m)^classes = .*$", 'classes = ["24m", "12m", "36m"]', settings.read_text("utf-8"))
    settings.write_text(text + RULE, "utf-8")
    return await towns.opened(root, StillClock(towns.NOW + timedelta(hours=1)))


class TestClasses:
    async def test_a_class_added_in_the_month_is_not_left_out_unseen(self, town: Town) -> None:
        """Every class goes on in a shard whose leaf 0 names it; once, in however many processes."""
        await town.opened.close()
        for _ in range(2):
            town = await added(town.root) if not _ else await towns.opened(town.root, town.clock)
            await town.opened.shards.roll(town.clock.now())
        origins = [one.head.origin.split("/", 1)[1] for one in await town.opened.store.shards()]
        assert origins == ["12m/2026-11", "12m/2026-11.2", "24m/2026-11", "24m/2026-11.2", "36m/2026-11"]
        document = await proof(town)
        assert judged(town, document).outcome is Outcome.COMPLETE_IF_HONEST
        for left_out in (lambda one: "/36m/" in one, lambda one: "/36m/" in one or one.endswith(".2")):
            assert judged(town, document, left_out).outcome is Outcome.FALSE
        await town.opened.close()

    async def test_the_auditor_refuses_classes_that_do_not_name_each_other(
        self, town: Town, tmp_path: Path
    ) -> None:
        """An operator who begins a class and renews none of the others could leave it out: nothing is cosigned."""
        await town.opened.close()
        town = await added(town.root)
        town.opened.shards._named = {"12m", "24m", "36m"}
        await publish(town, tmp_path / "log")
        found = audited(tmp_path / "log", authority(town))
        assert [one.text for one in found.misfits] == [
            "it is its class's newest, and does not name the class 36m"
        ] * 2
        assert not any(found.agreed(one) for one in found.shards)
        await town.opened.close()
