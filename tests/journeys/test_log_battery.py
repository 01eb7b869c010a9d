"""Whatever is done to the stored log, by whoever has the house's own keys: it is found, and named."""

from __future__ import annotations

from pathlib import Path

import counted
import lived_in
import log_attacks
import pytest
from attacker import Attacker


@pytest.mark.parametrize("name", log_attacks.ATTACKS)
def test_the_attack_is_found_and_named(home: Path, name: str) -> None:
    """The right table, the right column."""
    attack, place = log_attacks.ATTACKS[name]
    with lived_in.opened(home) as database:
        attack(Attacker(home, database))
    found = lived_in.wrong(home)
    named = place in lived_in.places(found)
    counted.count("log battery", tampered=1, found=named, missed=not named)
    assert named, [one.told for one in found]
