"""The administrator changes the law of a town: a file edited, signed again where it grants, taken over.

`takes_over` is another process of the same home: the one under test isn't told.
"""

from __future__ import annotations

import town as towns
from town import Town

from adapters.keys import read_key
from gateway.cli.demo import home as demo_home


def edit(town: Town, file: str, old: str, new: str, *, signed: bool = True) -> None:
    """Replace a text in a file of the home; a file of grants is signed again by its two people, unless told not to."""
    path = town.root / file
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new), "utf-8")
    if file.startswith("grants/") and signed:
        sign(town, file)


def sign(town: Town, file: str) -> None:
    people = {"people/" + demo_home.OWNERS[file.partition("/")[2].removesuffix(".toml")]}
    people.add(f"people/{demo_home.APPROVER}")
    keys = {person: read_key(demo_home.key_file(town.root, person)) for person in people}
    demo_home.sign(town.root / file, keys)


async def takes_over(town: Town) -> None:
    """Another process loads the home as it is now and makes its policy the current one."""
    other = await towns.opened(town.root, town.clock)
    try:
        assert await other.opened.adopt_policy()
    finally:
        await other.opened.close()
