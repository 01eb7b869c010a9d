"""Everything the house keeps sealed, sealed anew under the master key in use (docs/decisions/0024)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.errors import Fault, JournalUnavailable
from gateway.ports import Keys, Place, Sealed, SealedStore

Contexts: TypeAlias = Mapping[Place, Callable[[Sealed], str]]
"""For what bytes were sealed, by where they are kept (`Keys.wrap`)."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What came of it."""

    done: int
    lost: tuple[tuple[Place, str], ...]
    """What no key that is known opens: damaged, or another house's. `log verify` says which."""


async def rewrap(store: SealedStore, keys: Keys, contexts: Contexts) -> Rewrapped:
    """Seal anew whatever is not under the master key in use; may be broken off and done again at any time.

    Raises: JournalUnavailable.
    """
    done = 0
    lost: list[tuple[Place, str]] = []
    for place, context in contexts.items():
        after: tuple[str, int] | None = None
        while found := await store.sealed(place, keys.mark, after):
            changes: list[tuple[Sealed, bytes]] = []
            for one in found:
                try:
                    changes.append((one, keys.wrap(keys.unwrap(one.bytes, context(one)), context(one))))
                except JournalUnavailable:
                    raise
                except Fault:
                    lost.append((place, one.name))
            done += await store.reseal(changes)
            after = (found[-1].name, found[-1].part)
    return Rewrapped(done, tuple(lost))
