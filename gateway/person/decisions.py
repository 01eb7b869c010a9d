"""What the ledger holds about a person: every record and power that names them, or that their evidence left on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from consent import held
from consent.vocabulary import Held, Record, Subject
from gateway.audit.record import Kind
from gateway.ports import ConsentStore
from gateway.views.auskunft import JournalLine, Kept

_ABOUT_THEM: Final = "subject"
"""The role of whom evidence is about (`consent.vocabulary.Person`)."""


async def kept(subject: Subject, lines: Sequence[JournalLine], consents: ConsentStore) -> Sequence[Kept]:
    """Out: every record and power that names the person in one of these forms and contradicts none; and those on
    which their data left or was put on file, in whatever words they name the person."""
    named = {one.id: one for one in await consents.of_subject(subject) if one.subject.agrees_with(subject)}
    for record in _stood_on(lines):
        await _add(record, named, consents)
    for one in tuple(named.values()):
        if isinstance(one, Record) and one.representative is not None:
            await _add(one.representative, named, consents)
    return [
        Kept(found, tuple(held.read(event.body) for event in await consents.events(found.id)))
        for found in named.values()
    ]


async def _add(record: str, known: dict[str, Held], consents: ConsentStore) -> None:
    found = await consents.record(record) if record not in known else None
    if found is not None:
        known[record] = found


def _stood_on(lines: Sequence[JournalLine]) -> Sequence[str]:
    """Out: the records on which evidence about the person left, or data about them was put on file. What they
    occur in beside somebody else stood on that one's decision, of which they are not told; what was refused, on
    whatever its asker claimed."""
    events = [line.event for line in lines if line.event is not None]
    found = [
        str(event.get("basis", {}).get("record", ""))
        for event in events
        if event["kind"] in (Kind.ANSWERED, Kind.SUBMITTED) and event.get("concerned") == _ABOUT_THEM
    ]
    return tuple(dict.fromkeys(record for record in found if record))
