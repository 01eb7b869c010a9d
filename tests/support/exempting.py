"""A town in which resident parking is kept from the people it asks about, for some days (DOMAIN.md 5, `exempt`)."""

from __future__ import annotations

from typing import Final

import law_changes
from town import Town

LAW: Final = "BDSG § 33 Abs. 1 Nr. 1"
GRANTS: Final = "grants/parken.toml"
_BASIS: Final = 'basis = ["statutory"]\n'


async def parking_is_exempt(town: Town, days: int = 30, *, by_number: bool = False) -> None:
    """Change the grant, and take the new law over. `by_number`: the register may be asked with the IDNr as well."""
    more = "idnr = true\n" if by_number else ""
    law_changes.edit(town, GRANTS, _BASIS, f'{_BASIS}exempt = "{LAW}"\nexempt_days = {days}\n{more}')
    await _in_force(town)


async def parking_is_open(town: Town, days: int = 30) -> None:
    """Undo it for what comes."""
    law_changes.edit(town, GRANTS, f'exempt = "{LAW}"\nexempt_days = {days}\n', "")
    await _in_force(town)


async def parking_is_granted_no_more(town: Town) -> None:
    """The grant ended yesterday."""
    law_changes.edit(town, GRANTS, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await _in_force(town)


async def _in_force(town: Town) -> None:
    await law_changes.takes_over(town)
    await town.opened.house.policies.refresh()
