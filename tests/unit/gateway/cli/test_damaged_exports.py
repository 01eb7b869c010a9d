"""`einmal citizen verify` on the demo's export, damaged in every part: an honest no that names the file, never a
traceback, never a pass."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import foreign_reader
import pytest
from commands import Einmal
from export_battery import count

from gateway.audit.verify.export import verify_export
from gateway.config.home import load_settings
from gateway.views.export import MOST_BYTES, NotAnExport, disassemble

TOUCHED = (
    "auskunft.html",
    "report.html",
    "PRUEFEN.txt",
    "VERIFY.txt",
    "auskunft.json",
    "zugriffe.csv",
    "einwilligungen.csv",
    "proof/vkeys.txt",
)


@pytest.fixture(scope="module")
def archive(played: Path) -> bytes:
    return (played / "anna.zip").read_bytes()


@pytest.fixture(scope="module")
def contents(archive: bytes) -> Mapping[str, bytes]:
    with ZipFile(BytesIO(archive)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


@pytest.fixture
def vkey(contents: Mapping[str, bytes]) -> str:
    """Out: the town's identity key, as the town publishes it."""
    return contents["proof/vkeys.txt"].decode().splitlines()[0]


def packed(contents: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w") as bundle:
        for name, body in contents.items():
            bundle.writestr(name, body)
    return made.getvalue()


class Reader:
    """Checks a file as the person does who got it."""

    def __init__(self, einmal: Einmal, folder: Path, vkey: str) -> None:
        self._einmal, self._folder, self._vkey = einmal, folder, vkey

    def __call__(self, archive: bytes) -> tuple[int, str]:
        (self._folder / "x.zip").write_bytes(archive)
        ended = self._einmal("citizen", "verify", self._folder / "x.zip", "--authority", self._vkey)
        return ended.code, ended.out + ended.err

    def finds(self, archive: bytes, named: str) -> None:
        """Count a lie; it is found where the answer is no and names the file."""
        code, said = self(archive)
        found = code == 1 and named in said
        count(found)
        assert found, f"exit {code}, {named} expected: {said}"


@pytest.fixture
def reader(einmal: Einmal, tmp_path: Path, vkey: str) -> Reader:
    return Reader(einmal, tmp_path, vkey)


def test_the_export_packed_anew_is_the_same(reader: Reader, contents: Mapping[str, bytes]) -> None:
    """Or what follows would be found for having been packed by a test."""
    assert reader(packed(contents))[0] == 0


def test_a_verifier_written_from_its_verify_txt_finds_it_complete(
    contents: Mapping[str, bytes], vkey: str
) -> None:
    """On other libraries, and with other people's numbers than the small log's."""
    said = foreign_reader.verify(contents["proof/proof.json"], vkey, [], [])
    assert said == ("complete-if-honest", False)


@pytest.mark.parametrize("name", TOUCHED)
def test_a_file_that_was_touched_or_taken_out_is_named(
    name: str, reader: Reader, contents: Mapping[str, bytes]
) -> None:
    """One bit in its middle; its last byte; the whole file."""
    body = bytearray(contents[name])
    body[len(body) // 2] ^= 1
    reader.finds(packed({**contents, name: bytes(body)}), name.removeprefix("proof/"))
    reader.finds(packed({**contents, name: contents[name][:-1] + b"x"}), name.removeprefix("proof/"))
    reader.finds(
        packed({kept: body for kept, body in contents.items() if kept != name}), name.removeprefix("proof/")
    )


def test_a_proof_of_inclusion_that_was_touched_taken_out_or_exchanged_is_named(
    reader: Reader, contents: Mapping[str, bytes]
) -> None:
    """They lie there for foreign tools: what those would check must be what proof.json proves."""
    first, second = sorted(name for name in contents if name.endswith(".tlog-proof"))[:2]
    without = {name: body for name, body in contents.items() if name != "proof/proof.json"}
    reader.finds(packed(without), "proof/proof.json is missing")
    flipped = contents[first].replace(b"index ", b"index 1", 1)
    reader.finds(packed({**contents, first: flipped}), first)
    reader.finds(packed({name: body for name, body in contents.items() if name != first}), first)
    reader.finds(packed({**contents, first: contents[second], second: contents[first]}), first)


def test_a_file_more_is_found(reader: Reader, contents: Mapping[str, bytes]) -> None:
    """A page beside the pages, a proof beside the proofs."""
    for name in ("bescheid.html", "proof/24m-2026-11-999.tlog-proof", "proof/more/proof.json"):
        reader.finds(packed({**contents, name: b"x"}), "does not belong to an export")


def test_a_turned_bit_of_the_zip_file_is_found_or_changes_nothing(reader: Reader, archive: bytes) -> None:
    """Sampled over the whole file: unreadable, or false, or a time stamp that nobody reads."""
    true, lies = disassemble(archive), 0
    for at in range(5, len(archive), len(archive) // 40):
        damaged = archive[:at] + bytes([archive[at] ^ 1 << at % 8]) + archive[at + 1 :]
        code, said = reader(damaged)
        try:
            same = disassemble(damaged) == true
        except NotAnExport:
            same = False
        if not same:
            lies += 1
            count(code == 1)
        assert code == (0 if same else 1), said
    assert lies > 30


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.9999])
def test_a_cut_zip_file_is_unreadable(share: float, reader: Reader, archive: bytes) -> None:
    """Wherever it ends."""
    reader.finds(archive[: int(len(archive) * share)], "not a readable ZIP file")


def test_any_turned_bit_of_the_demos_proof_is_found(
    played: Path, contents: Mapping[str, bytes], vkey: str
) -> None:
    """Sampled over the file, whose every byte matters (`test_export_battery`): it is false, or in an auditor's line no
    longer checked."""
    true = contents["proof/proof.json"]
    auditors = [auditor.vkey for auditor in load_settings(played / "home").log.auditor]
    whole = verify_export(true, vkey, auditors).outcome
    for at in range(3, len(true), len(true) // 150):
        damaged = bytearray(true)
        damaged[at] ^= 1 << at % 7
        verdict = verify_export(bytes(damaged), vkey, auditors)
        found = verdict.outcome is not whole
        count(found)
        assert found, (at, verdict.outcome)


def test_a_file_of_any_size_is_read_no_further_than_an_export_goes(
    archive: bytes, vkey: str, tmp_path: Path, einmal: Einmal
) -> None:
    """What stands behind is never in memory: not even a whole export is found there."""
    with (tmp_path / "x.zip").open("wb") as file:
        file.seek(MOST_BYTES + 1)
        file.write(archive)
    ended = einmal("citizen", "verify", tmp_path / "x.zip", "--authority", vkey)
    assert (ended.code, "not a readable ZIP" in ended.out + ended.err) == (1, True)
