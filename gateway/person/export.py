"""A person's export, step by step.

1 every form under which the registers know the person · 2 what a law kept back until today is released · 3 a line
says that an export is made, before anything is gathered · 4 a new epoch of every shard's index, whose time is the
cut-off, or the newest one an auditor has checked, cosigned by as many witnesses as the house wants · 5 the lines of
each form in each shard with their proofs, and what the ledger holds about the person · 6 the proof, checked by the
house as its reader will · 7 told in plain words.
A register that does not answer stops the export: a form that is missing would be left out unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from consent.parties import Title
from consent.policy import Policy
from consent.vocabulary import Subject
from gateway.audit.note import Verifier
from gateway.audit.record import Event, Kind
from gateway.audit.retention import Rule
from gateway.journal import Journal
from gateway.journal.releasing import release_due
from gateway.person.decisions import kept
from gateway.person.forms import forms_of, numbered
from gateway.person.gathering import gather
from gateway.person.proving import prove
from gateway.ports import ConsentStore, JournalStore, Keys, Register
from gateway.proving.epochs import Epochs
from gateway.proving.witnessing import Witnessing
from gateway.views.citizen import fold
from gateway.views.export import assemble
from gateway.views.titles import titles


@dataclass(frozen=True, slots=True)
class Holdings:
    """Where a person's data may be, and who vouches for it."""

    journal: Journal
    epochs: Epochs
    witnessing: Witnessing
    store: JournalStore
    consents: ConsentStore
    registers: Mapping[str, Register]
    keys: Keys
    policy: Policy
    authority: Title
    auditors: Sequence[Verifier]
    """Who checks the index."""
    rules: Sequence[Rule]
    """By which law each class is kept."""


@dataclass(frozen=True, slots=True)
class Handout:
    """What a person gets: everything up to a moment, the cut-off."""

    archive: bytes = field(repr=False)
    """The ZIP."""
    to: datetime


async def export(
    subject: Subject, house: Holdings, now: datetime, *, checked: bool = False
) -> Handout | None:
    """In: whom it is about, sufficiently named and identified by the caller; whether only what an auditor has checked
    is told, as of then. Out: None when they are known to nobody.

    Raises: Fault when a register can't be asked, what was kept back can't be opened, no auditor has checked, too few
    witnesses cosigned, or the export does not prove itself; Restored, JournalUnavailable.
    """
    forms = await forms_of(subject, house.registers)
    if not forms:
        return None
    await release_due(house.journal, house.store, now)
    await house.journal.house_event(Event(kind=Kind.EXPORT_MADE, time=now), now, subject=forms[0])
    # A crash here leaves a line about an export that nobody got: it is told in the next one.
    epochs = partial(house.epochs.checked, house.auditors) if checked else partial(house.epochs.make, now)
    indexed = await house.witnessing.witnessed(epochs)
    parts = [await gather(one, forms, house.store, house.epochs) for one in indexed]
    proved = prove(house.keys, parts, house.auditors if checked else ())
    lines = [line for part in parts for line in part.lines]
    auskunft = fold(
        lines,
        await kept(numbered(subject, forms), lines, house.consents),
        forms,
        titles(house.policy, house.authority, house.rules),
        datetime(proved.start.year, proved.start.month, proved.start.day, tzinfo=UTC),
        proved.to,
        proved.lost,
    )
    return Handout(assemble(auskunft, proved.proof), proved.to)
