"""Who checks the town's index in the demo: an authority of its own, with its own key and its own memory of the log.

What lies in `auditor/` is in real life the auditor's, and nothing of it the town's: the leaves they were given, their
secret key, what they have seen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway import assembly
from gateway.audit.note import parse_vkey
from gateway.cli.demo.home import SETTINGS

NAME: Final = "datenschutz.example/einmal"
_TITLE: Final = "Die Landesbeauftragte für den Datenschutz"


def engage(folder: Path, home: Path) -> str:
    """The auditor makes a key, and the town names it in its settings. Out: its vkey."""
    (folder / "auditor").mkdir(mode=0o700)
    vkey = assembly.new_cosigner(folder / "auditor" / "auditor.key", NAME)[0].vkey
    with (home / SETTINGS).open("a", encoding="utf-8") as settings:
        settings.write(f'\n[[log.auditor]]\nname = "{_TITLE}"\nvkey = "{vkey}"\n')
    return vkey


async def check(opened: assembly.Opened, folder: Path) -> None:
    """The auditor gets the leaves, rebuilds the index and cosigns it; the town keeps that, and publishes its log."""
    now, mine = opened.house.clock.now(), folder / "auditor"
    await assembly.publish(opened, mine / "log", now, auditors=True)
    fingerprint = parse_vkey(opened.keys.identity_vkey).fingerprint
    with assembly.desk(mine / "log", fingerprint, mine / "auditor.key", mine / "auditor.seen", None) as desk:
        _, signed = desk.audit(now)
    for file in signed.values():
        await assembly.cosignatures(opened).keep(file.read_text("utf-8"))
    await assembly.publish(opened, folder / "log", now, auditors=False)
