"""The index is as honest as whoever checked it (LOG.md 6): what an auditor finds and cosigns, what a citizen sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dishonest import dishonest
from peopled import ORDINARY
from tiling import AUDITOR, audited, authority, fill, misfits, publish, remembered, witnessed
from town import Town

from adapters.storage.epochs import SqlEpochs
from consent.vocabulary import Subject
from gateway import person
from gateway.audit.identity import lineage
from gateway.audit.note import NoteInvalid, Signer, Verifier, cosign, parse_vkey, sign, split
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.audit.verify.published.seen import State, StateInvalid
from gateway.audit.verify.published.survey import Surveyed
from gateway.person import Holdings
from gateway.ports import Tree
from gateway.proving.cosigning import Cosignatures, NotOurs
from gateway.views.export import disassemble

NEWEST = "musterstadt.example/24m/2026-11"
WHOM = Subject(ORDINARY.idnr, ORDINARY.birth_date, ORDINARY.family_name, ORDINARY.given_names)
NEIGHBOUR = Signer.from_seed("nachbarstadt.example/zeuge", b"\x62" * 32)
TIME = 1_795_292_868


async def told(town: Town, house: Holdings, checked: bool = False) -> Verdict:
    """Out: what the person's own check says of their export, to who trusts the auditor."""
    made = await person.export(WHOM, house, town.clock.now(), checked=checked)
    assert made is not None
    return verify_export(disassemble(made.archive).proof.document, authority(town), [AUDITOR.cosigner.vkey])


async def own_lines(town: Town) -> list[int]:
    """Out: the positions of the lines about the person."""
    (shard,) = [one for one, _, _ in await town.opened.shards.headed() if one.origin == NEWEST]
    label = shard.person(f"idnr:{ORDINARY.idnr}")
    return [line.position.index for line in await town.opened.store.labelled(NEWEST, label)]


def taken_in(
    town: Town, witnesses: tuple[Verifier, ...] = (), auditors: tuple[Verifier, ...] = (AUDITOR.cosigner,)
) -> Cosignatures:
    """Out: how the house takes in what comes back, knowing these."""
    store = town.opened.store
    return Cosignatures(witnesses, auditors, store, SqlEpochs(store), town.opened.cosignatures)


def signed_by(found: Surveyed, by: Signer = AUDITOR) -> list[str]:
    """Out: the output checkpoints of what an auditor agreed with, cosigned."""
    return [cosign(one.head.index_note or "", by, TIME) for one in found.shards if found.agreed(one)]


class TestDishonest:
    async def test_one_entry_left_out_is_named_by_the_auditor_and_seen_by_nobody_else(
        self, town: Town, tmp_path: Path
    ) -> None:
        """The person's check says "complete if the index is honest"; the rebuild names label and line, and that
        shard's index is not cosigned."""
        for _ in range(3):
            await told(town, town.opened.holdings())
        hidden = (await own_lines(town))[1]
        await fill(town, 300)
        epochs, house = dishonest(town, (NEWEST, hidden))
        town.clock.passes(seconds=1)

        verdict = await told(town, house)
        assert verdict.outcome is Outcome.COMPLETE_IF_HONEST
        assert verdict.lines == 3  # of four that there are

        await publish(town, tmp_path / "log", epochs)
        found = audited(tmp_path / "log", authority(town))
        assert [str(one.head.origin) for one in found.shards if not found.agreed(one)] == [NEWEST]
        texts = [misfit.text for misfit in misfits(found)]
        (shard,) = [one for one, _, _ in await town.opened.shards.headed() if one.origin == NEWEST]
        label = shard.person(f"idnr:{ORDINARY.idnr}").hex()
        assert len([text for text in texts if label in text]) == 1
        assert texts[-1].startswith(f"label {label} has 4 lines")
        assert texts[-1].endswith(f"the index says 3: left out is {hidden}")
        assert not witnessed(tmp_path / "log", authority(town))  # the log itself is in order
        assert all(NEWEST not in note for note in signed_by(found))

    async def test_a_lie_of_the_past_is_found_as_well(self, town: Town, tmp_path: Path) -> None:
        """An index that was mended before the auditor came: the epoch that lied is in the output log for good."""
        await told(town, town.opened.holdings())
        hidden = (await own_lines(town))[0]
        town.clock.passes(seconds=1)
        assert (await told(town, dishonest(town, (NEWEST, hidden))[1])).complete
        town.clock.passes(seconds=1)
        await publish(town, tmp_path / "log")
        found = audited(tmp_path / "log", authority(town))
        (misfit,) = misfits(found)
        assert misfit.place == f"{NEWEST}/index, epoch 2"
        assert "its index is not that of the" in misfit.text

    async def test_whom_the_index_leaves_out_wholly_is_named(self, town: Town, tmp_path: Path) -> None:
        """Nobody is told that there is anything about them."""
        await told(town, town.opened.holdings())
        epochs, _ = dishonest(town, *((NEWEST, position) for position in await own_lines(town)))
        town.clock.passes(seconds=1)
        await publish(town, tmp_path / "log", epochs)
        found = audited(tmp_path / "log", authority(town))
        assert "is not in the index; it has 1 line" in misfits(found)[-1].text


class TestHonest:
    async def test_who_checked_is_in_the_persons_report(self, town: Town, tmp_path: Path) -> None:
        """Auditor cosigns, the house keeps it, the export as of that epoch says so to who trusts the auditor."""
        house = replace(town.opened.holdings(), auditors=(AUDITOR.cosigner,))
        assert (await told(town, house)).outcome is Outcome.COMPLETE_IF_HONEST
        town.clock.passes(seconds=1)
        await publish(town, tmp_path / "log")
        found = audited(tmp_path / "log", authority(town))
        notes = signed_by(found)
        assert len(notes) == 2
        for note in notes:
            kept = await taken_in(town).keep(note)
            assert (kept.tree, kept.by) == (Tree.INDEX, (AUDITOR.cosigner,))
        verdict = await told(town, house, checked=True)
        assert (verdict.outcome, verdict.auditors) == (Outcome.COMPLETE_CHECKED, (AUDITOR.name,))

    async def test_a_cosigned_checkpoint_is_published_with_its_cosignature(
        self, town: Town, tmp_path: Path
    ) -> None:
        """The newest one of the folder is replaced by the same with one line more."""
        await publish(town, tmp_path / "log")
        place = tmp_path / "log" / NEWEST / "index/checkpoint"
        before = place.read_text()
        await taken_in(town).keep(cosign(before, AUDITOR, TIME))
        await publish(town, tmp_path / "log")
        assert place.read_text() == cosign(before, AUDITOR, TIME)

    async def test_only_what_is_new_is_rebuilt(self, town: Town, tmp_path: Path) -> None:
        """What was audited before is not audited again, but the newest always is."""
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        for _ in range(2):
            town.clock.passes(seconds=1)
            await fill(town, 3)
            await publish(town, tmp_path / "log")
        found = audited(tmp_path / "log", authority(town), seen)
        assert [(one.epochs, one.checked) for one in found.shards] == [(3, 2), (3, 2)]
        seen = remembered(tmp_path / "log", authority(town))
        assert [one.checked for one in audited(tmp_path / "log", authority(town), seen).shards] == [1, 1]

    async def test_what_was_seen_is_read_back(self, town: Town, tmp_path: Path) -> None:
        """The state file is the state again; about another authority, or damaged, it is refused."""
        await publish(town, tmp_path / "log")
        seen = remembered(tmp_path / "log", authority(town))
        ours = lineage(parse_vkey(town.opened.keys.identity_vkey), [])
        assert State.parse(seen.render(), ours) == seen
        others = lineage(NEIGHBOUR.verifier, [])
        for wrong, whose in (
            (seen.render(), others),
            (seen.render()[:-3], ours),
            (b"", ours),
            (b"{}", ours),
            (seen.render().replace(b'"v": 1', b'"v": 2'), ours),
            (seen.render().replace(NEWEST.encode(), b"musterstadt.example/24m/2026-10", 1), ours),
            (seen.render().replace(b'"authority": "', b'"authority": "\\ud800'), ours),
            (seen.render().replace(NEWEST.encode(), NEWEST.encode() + b"\\udfff", 1), ours),
            (seen.render().replace(b'"audited": {', b'"audited": {"\\ud800": 1,'), ours),
        ):
            with pytest.raises(StateInvalid):
                State.parse(wrong, whose)


class TestTakingIn:
    @pytest.fixture
    async def notes(self, town: Town, tmp_path: Path) -> tuple[str, str]:
        """The newest class's log and output checkpoints."""
        await fill(town, 20)
        await publish(town, tmp_path / "log")
        below = tmp_path / "log" / NEWEST
        return (below / "checkpoint").read_text(), (below / "index/checkpoint").read_text()

    async def test_a_witness_signs_the_log_and_an_auditor_the_index(
        self, town: Town, notes: tuple[str, str]
    ) -> None:
        """Each is kept for what it is; the other way round it is nobody's."""
        log, output = notes
        known = taken_in(town, (NEIGHBOUR.cosigner,))
        assert (await known.keep(cosign(log, NEIGHBOUR, TIME))).tree is Tree.LOG
        assert (await known.keep(cosign(output, AUDITOR, TIME))).tree is Tree.INDEX
        for note, by in ((log, AUDITOR), (output, NEIGHBOUR)):
            with pytest.raises(NoteInvalid, match="signed by none"):
                await known.keep(cosign(note, by, TIME))
        assert len(await town.opened.cosignatures.cosignatures(NEWEST, Tree.LOG)) == 1

    async def test_what_is_wrong_is_said_and_not_kept(self, town: Town, notes: tuple[str, str]) -> None:
        """Nobody known, a broken signature, an older time's text, no note, nobody configured."""
        log, output = notes
        good = cosign(output, AUDITOR, TIME)
        broken = good[:-8] + ("AAAA" if good[-8:-4] != "AAAA" else "BBBB") + good[-4:]
        stranger = cosign(output, Signer.from_seed("x.example/einmal", b"\x01" * 32), TIME)
        for wrong in (output, stranger, broken, split(output)[0], "", "\n\n"):
            with pytest.raises(NoteInvalid):
                await taken_in(town).keep(wrong)
        with pytest.raises(NoteInvalid, match=r"no \[\[log.witness\]\] is in einmal.toml"):
            await taken_in(town).keep(cosign(log, NEIGHBOUR, TIME))
        assert not await town.opened.cosignatures.cosignatures(NEWEST, Tree.INDEX)

    async def test_another_history_under_our_name_is_an_alarm(
        self, town: Town, notes: tuple[str, str]
    ) -> None:
        """An auditor signed what this house never had: told, not kept."""
        (shard,) = [one for one, _, _ in await town.opened.shards.headed() if one.origin == NEWEST]
        forged = {
            f"{NEWEST}\n5\n{'A' * 43}=\n": "another history",
            f"{NEWEST}/index\n1\n{'A' * 43}=\n": "another history",
            f"{NEWEST}\n5000\n{'A' * 43}=\n": "larger log",
            f"{NEWEST}/index\n9\n{'A' * 43}=\n": "larger log",
            f"other.example/24m/2026-11\n5\n{'A' * 43}=\n": "no shard",
        }
        known = taken_in(town, (AUDITOR.cosigner,))
        for text, why in forged.items():
            with pytest.raises(NotOurs, match=why):
                await known.keep(cosign(sign(text, shard.keys.log), AUDITOR, TIME))
        for tree in Tree:
            assert not await town.opened.cosignatures.cosignatures(NEWEST, tree)
