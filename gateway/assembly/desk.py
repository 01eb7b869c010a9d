"""Where an auditor or witness sits: a folder of tiles, what they saw of that log before, the key they cosign with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from adapters.clock import SystemIds
from adapters.folder import TileFolder
from adapters.keys.cosigner import create_cosigner, read_cosigner
from adapters.keys.files import write_new
from adapters.statefile import StateFile
from consent.vocabulary import Problem
from gateway.audit import tiles
from gateway.audit.identity import Identity
from gateway.audit.note import Signer, Verifier, cosign
from gateway.audit.verify.published.folder import find_identity
from gateway.audit.verify.published.seen import State, StateInvalid
from gateway.audit.verify.published.survey import Surveyed, Watched, survey, watch
from gateway.errors import ConfigurationFault

_BLANK: Final = State("").render()
"""The memory of who has seen nothing yet, of nobody's log."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One sitting over one folder."""

    folder: TileFolder
    identity: Identity
    cosigner: Signer | None
    state: State
    _file: StateFile | None
    _out: tuple[TileFolder, Path]

    def audit(self, now: datetime) -> tuple[Surveyed, Mapping[str, Path]]:
        """An auditor's work. Out: what was found, and by shard the cosigned checkpoints of its output log."""
        found = survey(self.folder, self.identity, self.state, now)
        for one in found.shards:
            if one.continues and one.head.index_note is not None:
                self.state.note(one.head.note)
                self.state.note(one.head.index_note)
            if found.agreed(one):
                self.state.audited[str(one.head.origin)] = one.epochs
        notes = {
            f"{one.head.origin}/{tiles.INDEX}": one.head.index_note
            for one in found.shards
            if found.agreed(one) and one.head.index_note is not None
        }
        signed = self._cosigned(notes, now)
        return found, {folder.removesuffix(f"/{tiles.INDEX}"): file for folder, file in signed.items()}

    def watch(self, now: datetime) -> tuple[Sequence[Watched], Mapping[str, Path]]:
        """A witness's work. Out: what was found, and by shard the cosigned checkpoints of its log."""
        found = watch(self.folder, self.identity, self.state, (now.year, now.month))
        notes = {one.origin: one.head.note for one in found if one.head is not None and not one.misfits}
        for note in notes.values():
            self.state.note(note)
        return found, self._cosigned(notes, now)

    def _cosigned(self, notes: Mapping[str, str], now: datetime) -> Mapping[str, Path]:
        """In: notes by the folder they are from. Out: where each is, cosigned; none without a key."""
        if self._file is not None:
            self._file.keep(self.state.render())
        # A crash here leaves what was seen on the disk, and nothing cosigned: the next sitting cosigns the same.
        if self.cosigner is None:
            return {}
        folder, root = self._out
        signed: dict[str, Path] = {}
        for place, note in notes.items():
            path = f"{place}/{tiles.COSIGNED}"
            folder.write(path, cosign(note, self.cosigner, int(now.timestamp())).encode(), public=True)
            signed[place] = root / path
        return signed


@contextmanager
def desk(
    folder: Path, authority: str, key: Path | None, state: Path | None, out: Path | None, first: bool = False
) -> Iterator[Desk]:
    """Sit down. In: the folder of tiles; the published vkey or fingerprint; the files of the key and of what was seen;
    where cosigned checkpoints go, else into the folder; whether nothing was seen yet, and the state is to be begun.

    Raises: NoteInvalid: `authority` is no key; Unreadable: its log is not in the folder; StateInvalid;
    ConfigurationFault: the key's file is none, or the state is in use, is not there, or was to be begun, and is there
    or something of this log was seen under the key.
    """
    files = TileFolder(folder)
    identity = find_identity(files, authority)
    cosigner = read_cosigner(key) if key is not None else None
    file = StateFile(state) if state is not None else None
    with ExitStack() as alone:
        known = State(identity.current.vkey)
        if state is not None and file is not None:
            if first and key is not None:
                _refuse_to_forget(_memory(key), identity)
            if not first and not state.exists():
                _refuse(state, "is not there", _NO_MEMORY)
            alone.enter_context(file.locked())
            seen = file.read()
            if first and seen is not None:
                _refuse(state, "is there already", "Leave --first out: it says what you have seen.")
            if seen not in (None, _BLANK):
                known = State.parse(seen, identity)
        place = out or folder
        yield Desk(files, identity, cosigner, known, file, (TileFolder(place), place))


def new_cosigner(file: Path, name: str) -> tuple[Verifier, Path]:
    """Make a witness's or auditor's key in a new file, and beside it the memory of what they will have seen. Out: the
    public side; the memory's file. Raises: ConfigurationFault, when there is one of either; NoteInvalid."""
    state = _memory(file)
    if state.exists():
        _refuse(state, "exists already", "It says what was seen under another key: move it away first.")
    made = create_cosigner(file, SystemIds(), name)
    # A crash here leaves a key without a memory: the first sitting has to say that it is one.
    write_new(state, _BLANK.decode())
    return made, state


def _memory(key: Path) -> Path:
    """Out: where what was seen under a key is kept, unless its holder keeps it elsewhere."""
    return key.with_suffix(".seen")


def _refuse_to_forget(memory: Path, identity: Identity) -> None:
    """Who begins anew beside that would cosign a second history of the log. Raises: ConfigurationFault."""
    seen = StateFile(memory).read()
    try:
        known = State.parse(seen, identity) if seen not in (None, _BLANK) else None
    except StateInvalid:  # about another authority's log, or no memory at all
        return
    if known is not None and known.logs:
        mend = f"Name it: --state {memory}, and leave --first out, which would forget what you have seen."
        _refuse(memory, "says that you have seen this log under that key", mend)


_NO_MEMORY: Final = (
    "Name the right file: without it nothing is known of what you have seen and signed. If you have seen nothing of "
    "this log yet, say so with --first."
)


def _refuse(state: Path, wrong: str, mend: str) -> NoReturn:
    raise ConfigurationFault((Problem(str(state), None, "(file)", wrong, mend),))
