"""What there is to tell of a day: the scenes as they were played, the lines they left, what was checked afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consent.policy import Policy
from gateway import assembly
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.verdict import Verdict
from gateway.cli.demo.script import Scene, Script
from gateway.cli.demo.story import Played


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of an exchange stands in the log, and what it says of it."""

    retention: str
    index: int
    kind: str
    grant: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """What was checked when the story was over."""

    folder: str
    fingerprint: str
    auditor: str
    """The vkey of who checked the index."""
    verdict: Verdict
    """On Anna's export."""
    log_lines: int
    holds: bool
    """The log, from its first line."""
    true: bool
    """Anna's export is true and complete, and its pages say what it proves."""

    @property
    def proved(self) -> str:
        """Out: what the check of Anna's export has shown, in words."""
        if not self.true:
            return "NOT true and complete"
        if self.verdict.auditors:
            return f"true and complete, index checked by {', '.join(self.verdict.auditors)}"
        return "true, and complete if the index is honest"


@dataclass(frozen=True, slots=True)
class Day:
    """Everything there is to tell."""

    script: Script
    told: Sequence[tuple[Scene, Sequence[Played]]]
    log: Mapping[str, Sequence[Line]]
    """The lines of every exchange."""
    policy: Policy
    grants: Mapping[str, str]
    """Every grant's file."""
    ended: Ended

    @property
    def surprises(self) -> int:
        """How many acts ended otherwise than told."""
        return sum(not act.fits for _, played in self.told for act in played)

    @property
    def good(self) -> bool:
        return not self.surprises and self.ended.true and self.ended.holds


def files_of(opened: assembly.Opened) -> Mapping[str, str]:
    """Out: the file of every grant."""
    found: dict[str, str] = {}
    for file, document in opened.home.documents.items():
        if file.startswith("grants/"):
            found |= {str(grant["id"]): file for grant in document.data["grant"]}
    return found


async def log_of(opened: assembly.Opened) -> Mapping[str, Sequence[Line]]:
    """Out: the lines of every exchange, in the log's order."""
    found: dict[str, list[Line]] = {}
    for shard, head, _ in await opened.shards.headed():
        retention = Origin.parse(shard.origin).retention
        for stored in await opened.store.lines(shard.origin, 0, head.size):
            event = json.loads(stored.line.event or b"{}")
            if "exchange" in event:
                line = Line(retention, stored.position.index, event["kind"], event.get("grant"))
                found.setdefault(event["exchange"], []).append(line)
    return found
