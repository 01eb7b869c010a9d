"""The German tax identification number (IDNr, § 139b AO), the key of IDNrG § 1.

Eleven digits with an ISO/IEC 7064 MOD 11,10 check digit; among the first ten exactly one digit occurs two or
three times, three equal ones never side by side (DOMAIN.md 3). Numbers that begin with 0 are never issued.
"""

from __future__ import annotations

from typing import Final

LENGTH: Final = 11


def check_digit(first_ten: str) -> int:
    """In: ten ASCII digits. Out: the ISO/IEC 7064 MOD 11,10 check digit."""
    product = 10
    for digit in first_ten:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10


def is_idnr(text: str) -> bool:
    """Out: whether `text` is an IDNr by length, digit frequency and check digit, ever issued or not."""
    if len(text) != LENGTH or not (text.isascii() and text.isdigit()):
        return False
    first_ten = text[:-1]
    repeated = [digit for digit in set(first_ten) if first_ten.count(digit) > 1]
    if len(repeated) != 1 or first_ten.count(repeated[0]) > 3 or repeated[0] * 3 in first_ten:
        return False
    return check_digit(first_ten) == int(text[-1])


def never_issued(idnr: str) -> bool:
    """Out: whether the number is one that no person has: the only ones for samples and tests."""
    return idnr.startswith("0")
