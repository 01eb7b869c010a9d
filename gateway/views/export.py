"""A person's export as one ZIP file: what to read, and what to check it with (CONTRACT.md 6).

The same contents give the same bytes: fixed order, fixed times, nothing of the machine.
"""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from gateway.views.auskunft import Auskunft
from gateway.views.render import readable
from gateway.views.zipped import read_alike

_FIRST: Final = ("auskunft.html", "report.html", "PRUEFEN.txt", "VERIFY.txt")
_PROOF: Final = "proof/"
_PACKED: Final = frozenset({ZIP_STORED, ZIP_DEFLATED})
"""How what we wrote is packed, also after somebody packed it anew. What packs otherwise fails in its own ways."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
MOST_BYTES: Final = 128_000_000
"""Of all files together, unpacked."""
MOST_PROOF_BYTES: Final = 32_000_000
"""Of `proof.json`, unpacked: some fifteen thousand lines of one person."""
_MOST_FILES: Final = 50_000
_DAMAGED: Final = (BadZipFile, zlib.error, RuntimeError, EOFError, ValueError)
"""What reading a ZIP file that is none ends with: a RuntimeError for an encrypted entry, and for a later format."""


ITSELF: Final = "the file"


class NotAnExport(Exception):
    """The file is no export; `why` names what is wrong, never content, `place` the file in it, or `ITSELF`."""

    def __init__(self, why: str, place: str = ITSELF) -> None:
        super().__init__(f"{place}: {why}")
        self.why, self.place = why, place


@dataclass(frozen=True, slots=True)
class Proof:
    """What a stranger checks: `proof.json`, a `.tlog-proof` a line by file name, and the verifier keys."""

    document: bytes = field(repr=False)
    inclusion: Mapping[str, bytes] = field(repr=False)
    vkeys: bytes


@dataclass(frozen=True, slots=True)
class Export:
    """An export's files: those to read by name, and the proof."""

    readable: Mapping[str, bytes] = field(repr=False)
    proof: Proof


def tlog_proof_name(origin: str, index: int) -> str:
    """Out: `<class>-<month>-<index>.tlog-proof` for a line of the shard `<authority>/<class>/<month>`."""
    retention, month = origin.split("/")[-2:]
    return f"{retention}-{month}-{index}.tlog-proof"


def assemble(auskunft: Auskunft, proof: Proof) -> bytes:
    """Out: the ZIP's bytes; the page to open first comes first."""
    told = readable(auskunft)
    contents = {name: told[name] for name in (*_FIRST, *sorted(told.keys() - set(_FIRST)))}
    contents[f"{_PROOF}proof.json"] = proof.document
    contents[f"{_PROOF}vkeys.txt"] = proof.vkeys
    contents.update({f"{_PROOF}{name}": proof.inclusion[name] for name in sorted(proof.inclusion)})
    archive = BytesIO()
    with ZipFile(archive, "w") as bundle:
        for name, body in contents.items():
            entry = ZipInfo(name, _DATE)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, body, compresslevel=9)
    return archive.getvalue()


def disassemble(archive: bytes) -> Export:
    """In: a ZIP file's bytes from anywhere. Raises: NotAnExport (also for what would unpack without end)."""
    try:
        with ZipFile(BytesIO(archive)) as bundle:
            entries = bundle.infolist()
            if len(entries) > _MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise NotAnExport("it unpacks to more than an export may hold")
            sizes = {entry.filename: entry.file_size for entry in entries}
            if sizes.get(f"{_PROOF}proof.json", 0) > MOST_PROOF_BYTES:
                raise NotAnExport("it unpacks to more than it may hold", f"{_PROOF}proof.json")
            if any(entry.compress_type not in _PACKED for entry in entries):
                raise NotAnExport("it is packed in a way no export is")
            if len({entry.filename for entry in entries}) != len(entries):
                raise NotAnExport("a file name occurs twice")
            if entries and not read_alike(archive, entries, bundle.start_dir):
                raise NotAnExport("other programs may find other files in it")
            contents = {entry.filename: _unpacked(bundle, entry) for entry in entries}
    except _DAMAGED:
        raise NotAnExport(_taken_for(archive)) from None
    inside = {name.removeprefix(_PROOF): body for name, body in contents.items() if name.startswith(_PROOF)}
    try:
        document, vkeys = inside.pop("proof.json"), inside.pop("vkeys.txt")
    except KeyError as missing:
        name = f"{_PROOF}{missing.args[0]}"
        if any(other.endswith(f"/{name}") for other in contents):
            raise NotAnExport(f"{name} is missing here: all files lie in a folder of the ZIP file") from None
        raise NotAnExport(f"{name} is missing") from None
    told = {name: body for name, body in contents.items() if not name.startswith(_PROOF)}
    return Export(told, Proof(document, inside, vkeys))


def _unpacked(bundle: ZipFile, entry: ZipInfo) -> bytes:
    """Out: the file, of the size it says: `ZipFile.read` unpacks all there is before it looks at that.

    Raises: NotAnExport.
    """
    try:
        with bundle.open(entry) as file:
            return file.read(entry.file_size + 1)
    except _DAMAGED:
        raise NotAnExport("it is damaged", entry.filename) from None


def _taken_for(archive: bytes) -> str:
    """Out: what a file is that is no ZIP file: most often one of those in it."""
    match archive.removeprefix(BOM_UTF8)[:100].lstrip()[:1]:
        case b"":
            return "it is not a readable ZIP file, but an empty one"
        case b"<":
            return "it is not a readable ZIP file, but a page (HTML)"
        case b"{" | b"[":
            return "it is not a readable ZIP file, but a JSON file"
        case b"%":
            return "it is not a readable ZIP file, but a PDF file"
    return "it is not a readable ZIP file"
