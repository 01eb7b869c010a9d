"""`einmal citizen verify` on the demo's export, damaged in every part: an honest no that names the file, never a
traceback, never a pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import foreign_reader
import pytest
from commands import Einmal
from export_battery import count

from gateway.audit.verify.exported.export import verify_export
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


@pytest.mark.parametrize(
    ("file", "code", "german", "english"),
    [
        ("anna/auskunft.html", 1, "sondern eine Seite (HTML).", "but a page (HTML)."),
        ("anna/auskunft.json", 1, "sondern eine JSON-Datei.", "but a JSON file."),
        ("anna/proof/proof.json", 1, "sondern eine JSON-Datei.", "but a JSON file."),
        ("anna", 3, "Das ist ein Ordner.", "This is a folder."),
        ("none.zip", 3, "Diese Datei gibt es hier nicht.", "There is no such file here."),
    ],
)
def test_another_file_than_the_zip_is_told_in_the_citizens_language(
    file: str, code: int, german: str, english: str, played: Path, einmal: Einmal
) -> None:
    """False where it was read, the environment where it could not be; what it is, and what to take instead."""
    for language, words, headline, mend in (
        ("de", german, "Falsch. Das ist keine Auskunft", "Geben Sie die ZIP-Datei an"),
        ("en", english, "False. This is no export", "Name the ZIP file"),
    ):
        ended = einmal("citizen", "verify", played / file, "--language", language)
        said = ended.out + ended.err
        assert (ended.code, words in said) == (code, True), said
        assert code != 1 or (headline in said and mend in said), said


def test_what_is_damaged_in_the_zip_is_named_with_what_to_do(
    contents: Mapping[str, bytes], archive: bytes, einmal: Einmal, tmp_path: Path
) -> None:
    """File, key and reason in German; a proof that lies is told with the step that finds it."""

    def read(changed: bytes) -> str:
        (tmp_path / "y.zip").write_bytes(changed)
        ended = einmal("citizen", "verify", tmp_path / "y.zip", "--language", "de")
        assert ended.code == 1
        assert "Was Sie tun können: " in ended.out
        return ended.out

    document = contents["proof/proof.json"]
    at = archive.index(b"proof/proof.json") + len(document) // 8
    bit = archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :]
    inner = {f"anna/{name}": body for name, body in contents.items()}
    keyless = document.replace(b'"vkey"', b'"key"', 1)
    assert "✕ proof/proof.json: Diese Datei ist beschädigt." in read(bit)
    assert "Alle Dateien liegen in einem Ordner der ZIP-Datei." in read(packed(inner))
    said = read(packed({**contents, "proof/proof.json": keyless}))
    assert "✕ proof.json: authority.vkey: fehlt; authority.?: gehört nicht hierher." in said
    moved = re.sub(rb'"index": [0-9]+,', b'"index": 999,', document, count=1)
    said = read(packed({**contents, "proof/proof.json": moved}))
    assert "✕ Schritt 5, musterstadt.example/" in said
    assert ", Kennung 1, Eintrag 1: Der Eintrag steht nicht im Protokoll." in said
    assert "Die Schritte der Prüfung erklärt VERIFY.txt" in said
    said = read(packed({**contents, "auskunft.html": b"x"}))
    assert "✕ auskunft.html: Diese Datei sagt etwas anderes als auskunft.json." in said


def test_programs_read_of_another_file_what_they_read_of_a_false_one(played: Path, einmal: Einmal) -> None:
    """The same keys; the reason in both languages."""
    told = einmal("citizen", "verify", played / "anna/auskunft.html", "--json")
    [finding] = told.json["findings"]
    assert (told.code, told.json["outcome"], told.json["true"]) == (1, "false", False)
    assert finding == {
        "step": 0,
        "place": "the file",
        "text": "it is not a readable ZIP file, but a page (HTML)",
        "text_de": "Das ist keine ZIP-Datei, sondern eine Seite (HTML)",
    }


def test_a_key_that_is_none_is_told_in_the_citizens_language(played: Path, einmal: Einmal) -> None:
    """Wrong usage, with what a fingerprint looks like."""
    told = einmal("citizen", "verify", played / "anna.zip", "--authority", "7" * 63, "--language", "de")
    said = " ".join(told.err.replace("│", " ").split())
    assert (told.code, "Ein Fingerabdruck hat 64 Zeichen" in said, "63 Zeichen statt 64" in said) == (
        2,
        True,
        True,
    )
    assert "vkey" not in said


def test_a_fingerprint_in_groups_is_taken_and_a_damaged_vkey_is_told_as_one(
    played: Path, einmal: Einmal
) -> None:
    """As a letterhead prints it; what has a plus sign is meant as a vkey."""
    known = einmal("keys", "list", "--json", "--home", played / "home").json["fingerprint"]
    grouped = " ".join(re.findall("....", known.upper()))
    assert einmal("citizen", "verify", played / "anna.zip", "--authority", grouped).code == 0
    told = einmal(
        "citizen", "verify", played / "anna.zip", "--authority", "stadt.example+1", "--language", "de"
    )
    assert (told.code, "stadt.example+1a2b3c4d+" in told.err) == (2, True)


def test_a_file_of_any_size_is_read_no_further_than_an_export_goes(
    archive: bytes, vkey: str, tmp_path: Path, einmal: Einmal
) -> None:
    """What stands behind is never in memory: not even a whole export is found there."""
    with (tmp_path / "x.zip").open("wb") as file:
        file.seek(MOST_BYTES + 1)
        file.write(archive)
    ended = einmal("citizen", "verify", tmp_path / "x.zip", "--authority", vkey)
    assert (ended.code, "not a readable ZIP" in ended.out + ended.err) == (1, True)
