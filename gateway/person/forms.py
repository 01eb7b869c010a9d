"""Every form under which a person's lines may stand (LOG.md 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from consent.vocabulary import Subject
from gateway.ports import Register

_IDNR: Final = "idnr:"


async def forms_of(subject: Subject, registers: Mapping[str, Register]) -> tuple[str, ...]:
    """Out: the person's number and each register's own key for them. Nobody's, when the registers know people with
    different numbers by that name: they are not told of each other. Raises: Fault when a register can't be asked."""
    forms = [f"{_IDNR}{subject.idnr}"] if subject.idnr else []
    for register in registers.values():
        forms += [person.subject for person in await register.persons(subject) if person.subject is not None]
    found = tuple(dict.fromkeys(forms))
    return found if sum(form.startswith(_IDNR) for form in found) <= 1 else ()


def numbered(subject: Subject, forms: Sequence[str]) -> Subject:
    """Out: the person with the number a register knows them by: their records may be kept under either."""
    number = next((form.removeprefix(_IDNR) for form in forms if form.startswith(_IDNR)), None)
    return replace(subject, idnr=number)
