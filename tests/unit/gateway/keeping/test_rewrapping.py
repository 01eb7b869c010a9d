"""Everything sealed anew, page by page, whatever lies in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import keys
from adapters.clock import SystemIds
from adapters.keys import FileKeys
from adapters.keys.rotating import KeySteps
from gateway.errors import JournalUnavailable
from gateway.keeping.rewrapping import Contexts, rewrap
from gateway.ports import Place, Sealed

NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
CONTEXTS: Contexts = {
    Place.REPLY: lambda one: f"reply|{one.name}",
    Place.HELD: lambda one: f"held|{one.name}",
}


@dataclass
class Shelf:
    """A SealedStore of two at a time; it may break after some replacements."""

    kept: dict[tuple[Place, str, int], bytes] = field(default_factory=dict)
    breaks_after: int | None = None

    async def sealed(
        self, place: Place, mark: bytes, after: tuple[str, int] | None = None
    ) -> Sequence[Sealed]:
        found = [
            Sealed(place, name, part, sealed)
            for (there, name, part), sealed in sorted(self.kept.items())
            if there is place and not sealed.startswith(mark) and (after is None or (name, part) > after)
        ]
        return found[:2]

    async def reseal(self, changes: Sequence[tuple[Sealed, bytes]]) -> int:
        for old, new in changes:
            if self.breaks_after == 0:
                raise JournalUnavailable("storage")
            if self.breaks_after is not None:
                self.breaks_after -= 1
            assert self.kept[old.place, old.name, old.part] == old.bytes
            self.kept[old.place, old.name, old.part] = new
        return len(changes)


@pytest.fixture
def own(tmp_path: Path) -> FileKeys:
    """A house's keys."""
    return keys.create(tmp_path / "keys", SystemIds(), "musterstadt.example")


def filled(own: FileKeys) -> Shelf:
    """Out: five replies and five parts of two holds, sealed; the master key was rotated since."""
    shelf = Shelf()
    for at in range(5):
        shelf.kept[Place.REPLY, f"x-{at}", 0] = own.wrap(b"reply %d" % at, f"reply|x-{at}")
        hold = f"h-{at // 3}"
        shelf.kept[Place.HELD, hold, at] = own.wrap(b"part %d" % at, f"held|{hold}")
    steps = KeySteps(own, SystemIds())
    change = steps.next_master()
    assert change is not None
    steps.switch_master(change, NOW)
    return shelf


def read(shelf: Shelf, own: FileKeys) -> list[bytes]:
    sealed = ((one, CONTEXTS[one[0]](Sealed(*one, b""))) for one in sorted(shelf.kept))
    return [own.unwrap(shelf.kept[one], context) for one, context in sealed]


async def test_every_page_of_every_place_is_sealed_anew(own: FileKeys) -> None:
    """Under the key in use, and what it was; a second time there is nothing left to do."""
    shelf = filled(own)
    before = read(shelf, own)
    done = await rewrap(shelf, own, CONTEXTS)
    assert (done.done, done.lost) == (10, ())
    assert all(sealed.startswith(own.mark) for sealed in shelf.kept.values())
    assert read(shelf, own) == before
    assert (await rewrap(shelf, own, CONTEXTS)).done == 0


async def test_what_no_key_opens_stands_in_nobody_s_way(own: FileKeys) -> None:
    """A whole page of it: named, left as it is, and what comes after it is done."""
    shelf = filled(own)
    for name in ("x-1", "x-2", "x-3"):
        shelf.kept[Place.REPLY, name, 0] += b"\0"
    done = await rewrap(shelf, own, CONTEXTS)
    assert done.lost == tuple((Place.REPLY, name) for name in ("x-1", "x-2", "x-3"))
    assert done.done == 7
    assert shelf.kept[Place.REPLY, "x-4", 0].startswith(own.mark)


@pytest.mark.parametrize("breaks_after", range(10))
async def test_broken_off_it_is_done_again(own: FileKeys, breaks_after: int) -> None:
    """Wherever the store gave up: what was done stays, the rest follows."""
    shelf = filled(own)
    before = read(shelf, own)
    shelf.breaks_after = breaks_after
    with pytest.raises(JournalUnavailable):
        await rewrap(shelf, own, CONTEXTS)
    assert read(shelf, own) == before
    shelf.breaks_after = None
    assert (await rewrap(shelf, own, CONTEXTS)).done == 10 - breaks_after
    assert read(shelf, own) == before
