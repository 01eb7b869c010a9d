"""A home whose database comes from a backup, what its log and exports say then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import town as towns
from peopled import ORDINARY
from reloading import answered, question
from town import Town

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Verdict
from gateway.journal.guard import Restored
from gateway.views.export import disassemble

DATABASE = "data/einmal.sqlite3"
REASON = "disk failed, backup of the night"


def back_up(root: Path, to: Path) -> Path:
    """Out: the database as it is now, copied while it is open."""
    with closing(sqlite3.connect(root / DATABASE)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def put_back(root: Path, backup: Path) -> None:
    """The backup takes the database's place."""
    for suffix in ("-wal", "-shm"):
        (root / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    shutil.copy(backup, root / DATABASE)


async def refused(root: Path) -> str:
    """Out: why the house does not open."""
    with pytest.raises(Restored) as why:
        await assembly.open_house(root)
    return why.value.why


async def in_use(founded: Path, root: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    shutil.copytree(founded, root)
    town = await towns.opened(root)
    await answered(town, await question(town))
    await town.opened.close()
    return root


def wrong_at(root: Path) -> list[str]:
    return [wrong.told for report in assembly.verify_log(root) for wrong in report.wrong]


def holds_at(root: Path) -> bool:
    return wrong_at(root) == []


OTHER_LOSS = "the lines lost in a restore are others than those of the proof"
WHOM = Subject(idnr=ORDINARY.idnr, birth_date=ORDINARY.birth_date)


async def exported(town: Town) -> tuple[dict[str, Any], Verdict]:
    """Out: the person's proof, and what a stranger who knows the key finds. The pages say the same."""
    handout = await person.export(WHOM, town.opened.holdings(), town.clock.now())
    assert handout is not None
    export = disassemble(handout.archive)
    document = export.proof.document
    agreement = person.agreement(export)
    assert (agreement.wrong, agreement.compared) == ((), True)
    lost = verify_export(document).lost
    page = export.readable["report.html"].decode()
    assert ("lines of it were lost" in page) is bool(lost)
    assert ("No entry is missing" in page) is not bool(lost)
    told = json.loads(export.readable["auskunft.json"]) | {"lost": ["nothing: 1"]}
    lie = replace(export, readable={**export.readable, "auskunft.json": json.dumps(told).encode()})
    assert ("auskunft.json", OTHER_LOSS) in person.agreement(lie).wrong
    return json.loads(document), verify_export(document, town.opened.keys.identity_vkey)
