"""The retention classes of a house change: a new one begins, one that is taken out ends no log unseen (LOG.md 5)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import midnight
import pytest
import town as towns
from town import StillClock

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.cli.demo.people import anna
from gateway.exchange import handle
from gateway.views.export import disassemble

RULE = '\n[[retention]]\nclass = "36m"\nnorm = "§ 1 Musterordnung"\nmonths = 36\n'


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["24m", "12m", "36m"], {"12m", "24m", "36m"}),
        (["24m"], {"12m", "24m"}),
        (["24m", "36m"], {"12m", "24m", "36m"}),
    ],
)
async def test_exports_stay_complete_when_classes_change(
    tmp_path: Path, classes: list[str], expected: set[str]
) -> None:
    """In the month of the change and in the next: every class there is or was has its shard, the log verifies, and
    a person's export is complete."""
    town = await towns.found(tmp_path / "home")
    root = town.root
    await handle(town.delivery(midnight.parking(town)), town.opened.house)
    await town.opened.close()
    settings = root / "einmal.toml"
    text, named = re.subn(r"(?m)^classes = .*$", f"classes = {classes}", settings.read_text("utf-8"))
    assert named == 1
    if "12m" not in classes:
        text = re.sub(r'(?ms)^\[\[retention\]\]\nclass = "12m"\n.*?(?=^\[|\Z)', "", text)
    settings.write_text(text + (RULE if "36m" in classes else ""), "utf-8")
    for moment in (towns.NOW + timedelta(hours=1), midnight.EVE + timedelta(days=1)):
        town = await towns.opened(root, StillClock(moment))
        whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
        made = await person.export(whom, town.opened.holdings(), moment)
        assert made is not None
        proof = disassemble(made.archive).proof.document
        verdict = verify_export(proof, town.opened.keys.identity_vkey)
        assert (verdict.outcome, verdict.findings) == (Outcome.COMPLETE_IF_HONEST, ())
        shards = await town.opened.store.shards()
        month = f"{moment:%Y-%m}"
        assert {one.retention for one in shards if one.head.origin.endswith(month)} == expected
        await town.opened.close()
        assert all(report.holds for report in assembly.verify_log(root))
