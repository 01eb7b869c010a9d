"""Names, dates and numbers planted in the tests' registers and messages: none may show up in a log or exception.

All are evidently made up; the numbers begin with 0 and are never issued.
"""

from __future__ import annotations

from typing import Final

FAMILY_NAME: Final = "Zwirnmarke-Beispiel"
GIVEN_NAME: Final = "Quittenhild"
STREET: Final = "Pflanzmarkenweg"
TOWN: Final = "Musterstadt-Suchwort"
BIRTH_DATE: Final = "1961-02-03"
IDNR: Final = "01234567812"

SECOND_FAMILY_NAME: Final = "Knotenmarke-Probe"
SECOND_IDNR: Final = "02468135758"

MARKERS: Final = (FAMILY_NAME, GIVEN_NAME, STREET, TOWN, BIRTH_DATE, IDNR, SECOND_FAMILY_NAME, SECOND_IDNR)
"""What the scan at the end of a test run looks for."""
