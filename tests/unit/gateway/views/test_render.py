"""The readable files of an export: self-contained, the same every time, harmless to open."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO, StringIO
from itertools import pairwise
from typing import Final
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from citizen_sample import TITLES, auskunft, everything, line, record
from typing_extensions import override

from gateway.views.auskunft import Auskunft, JournalLine, Office
from gateway.views.citizen import fold
from gateway.views.export import NotAnExport, Proof, assemble, disassemble, tlog_proof_name
from gateway.views.render import from_json, readable, to_json
from gateway.views.words import Text

PAGES: Final = ("auskunft.html", "report.html")
HOSTILE: Final = '"><script>alert(1)</script>{{ 7 * 7 }}'
PROOF: Final = Proof(
    b'{"v":1}', {"24m-2026-11-2.tlog-proof": b"b", "24m-2026-11-1.tlog-proof": b"a"}, b"vkey\n"
)


def rich(count: int = 3) -> Auskunft:
    lines = [
        line(
            index,
            ("answered", "refused", "asked")[index % 3],
            f"x{index}",
            minutes=-index * 600,
            requested=["town", "religion"],
            released=["town"] if index % 3 == 0 else [],
            reasons=["no-basis"] if index % 3 == 1 else [],
            basis={"kind": "choice", "norm": "EGovG § 5"},
        )
        for index in range(count)
    ]
    closed = JournalLine("m.example/24m/2026-10", 5, None, "IDNrG § 9")
    return auskunft(
        *lines, closed, line(900, "consent.given", "c", basis={"record": "r1"}), records=(record(),)
    )


class Page(HTMLParser):
    """Collects what a reader of the page, or of its structure, meets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "told", [auskunft(), rich(), rich(200), everything()], ids=["none", "3", "200", "every kind"]
)
def test_a_page_is_well_built(name: str, told: Auskunft) -> None:
    """Balanced tags, one h1, no heading level skipped, landmarks, unique ids, every link leads somewhere."""
    page = Page(readable(told)[name].decode())
    assert not page.open
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in page.tags}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {
        attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes
    }
    targets |= {str(a["href"])[1:] for a in page.all("a") if str(a["href"]).startswith("#")}
    assert targets <= set(ids)
    assert page.all("html") == [{"lang": "de" if name == "auskunft.html" else "en"}]
    assert len(page.all("article")) == len([*told.entries, *told.decisions])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_and_runs_nothing(name: str) -> None:
    """No script, no picture, nothing from elsewhere; the policy allows the one style sheet it carries."""
    text = readable(rich())[name].decode()
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://|url\(|@import|javascript:| on\w+=", text)
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert b64encode(sha256(style.encode()).digest()).decode() in text


def test_both_pages_carry_the_same_facts() -> None:
    """German and English differ in words, never in what is told."""
    german, english = (Page(readable(everything())[name].decode()) for name in PAGES)
    assert [tag for tag, _ in german.tags] == [tag for tag, _ in english.tags]


def test_names_from_the_configuration_are_text_never_markup() -> None:
    """A hostile title or case number reaches the page escaped and is not evaluated."""
    titles = replace(TITLES, consumers={"wohngeldstelle": Office(Text(HOSTILE, HOSTILE))})
    told = auskunft(line(1, "answered", "x", case=HOSTILE))
    told = fold([line(1, "answered", "x", case=HOSTILE)], (), (), titles, told.start, told.to)
    for name in PAGES:
        text = readable(told)[name].decode()
        assert "<script" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_is_proved_and_what_is_not(name: str) -> None:
    """That none is missing is proved, as far as the index is honest; and up to when."""
    text = readable(rich())[name].decode()
    for told in (
        ("Es fehlt kein Eintrag", "No entry is missing"),
        ("Dass das Verzeichnis ehrlich geführt ist", "That the index is honest"),
        ("Was nach diesem Zeitpunkt geschah", "What happened after this moment"),
    ):
        assert told[name == "report.html"] in text
    assert "einmal citizen verify" in text


def test_the_colours_contrast_in_both_schemes() -> None:
    """WCAG 2.2, 1.4.3: every text colour has at least 4.5 : 1 on paper and card, light and dark."""
    style = readable(rich())["auskunft.html"].decode().partition("<style>")[2]
    schemes = [
        dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r":root\{([^}]*)\}", style)[:2]
    ]
    assert len(schemes) == 2
    for colours in schemes:
        for text in ("ink", "soft", "link", "given", "filed", "kept", "open", "note"):
            for ground in ("paper", "card"):
                assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


SAYS_NOTHING_OF = (
    "02468135774", "1990-04-01", "1. April", "Vertreterin", "Berta", "1960", "sb-17", "0" * 64
)  # fmt: skip
"""Whole numbers, names and birth dates of the person and their representative, the clerk, the shown text's hash."""


@pytest.mark.parametrize("name", sorted(readable(auskunft())))
def test_a_report_names_data_and_nobody(name: str) -> None:
    """No file holds a value of evidence, the representative's name or the clerk's pseudonym."""
    body = readable(everything())[name].decode()
    assert not [word for word in SAYS_NOTHING_OF if word in body]


@pytest.mark.parametrize("name", PAGES)
def test_old_months_are_folded_when_there_is_much_to_read(name: str) -> None:
    """Of 300 entries the newest months stand open, sixty entries at most; older ones are a line each; all are there."""
    lines = [line(index, "answered", f"x{index}", minutes=-2000 * index) for index in range(300)]
    page = Page(readable(auskunft(*lines))[name].decode())
    months = page.all("details")
    assert ["open" in month for month in months] == [True, True, True] + [False] * (len(months) - 3)
    assert len(page.all("article")) == 300
    few = Page(readable(everything())[name].decode()).all("details")
    assert all("open" in month for month in few)


def test_json_gives_back_the_same_auskunft() -> None:
    """Nothing is lost on the way through auskunft.json, so the pages can be written again from it."""
    for told in (rich(), everything()):
        assert from_json(to_json(told)) == told


def test_spreadsheets_are_as_german_ones_open_them() -> None:
    """Byte order mark, semicolons, CRLF, one row an entry."""
    sheet = readable(rich())["zugriffe.csv"]
    assert sheet.startswith(b"\xef\xbb\xbf")
    assert sheet.endswith(b"\r\n")
    rows = _rows(sheet)
    assert len(rows) == 1 + 3
    assert len({len(row) for row in rows}) == 1
    told = everything()
    kept = _rows(readable(told)["einwilligungen.csv"])
    assert len(kept) == 1 + len(told.consents) + len(told.powers)
    assert len({len(row) for row in kept}) == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n@", "＝"])
def test_no_cell_is_a_formula(start: str) -> None:
    """A case number that begins like a formula stays text in every spreadsheet program."""
    told = auskunft(line(1, "answered", "x", case=f'{start}HYPERLINK("x")'))
    cell = _rows(readable(told)["zugriffe.csv"])[1][8]
    assert cell.startswith("'")
    assert cell.replace("'", "") == f'{start}HYPERLINK("x")'


@pytest.mark.parametrize("separator", [",", ";", "|", ', "', "; '"])
def test_no_cell_is_a_formula_under_another_separator(separator: str) -> None:
    """A spreadsheet that takes another sign for the separator finds no formula either."""
    told = auskunft(line(1, "answered", "x", case=f'A{separator}=HYPERLINK("x")'))
    cell = _rows(readable(told)["zugriffe.csv"])[1][8]
    assert cell == f'A{separator}\'=HYPERLINK("x")'


def test_an_export_is_the_same_bytes_every_time() -> None:
    """Same contents, same file: no clock, no order of chance."""
    assert assemble(rich(), PROOF) == assemble(rich(), PROOF)


def test_an_export_holds_the_promised_files_and_opens_again() -> None:
    """The names others rely on; what went in comes out."""
    archive = assemble(rich(), PROOF)
    assert ZipFile(BytesIO(archive)).namelist() == [
        "auskunft.html",
        "report.html",
        "PRUEFEN.txt",
        "VERIFY.txt",
        "auskunft.json",
        "einwilligungen.csv",
        "zugriffe.csv",
        "proof/proof.json",
        "proof/vkeys.txt",
        "proof/24m-2026-11-1.tlog-proof",
        "proof/24m-2026-11-2.tlog-proof",
    ]
    export = disassemble(archive)
    assert export.proof == PROOF
    assert export.readable == readable(rich())
    assert tlog_proof_name("musterstadt.example/24m/2026-11", 2) == "24m-2026-11-2.tlog-proof"


def test_what_is_no_export_is_named_as_such() -> None:
    """Foreign bytes, a missing proof, a name twice, a bomb: a sentence, not a crash."""
    with pytest.raises(NotAnExport, match="not a readable ZIP"):
        disassemble(b"PK no")
    with pytest.raises(NotAnExport, match=r"proof/proof\.json is missing"):
        disassemble(_zip({"auskunft.html": b""}))
    with pytest.raises(NotAnExport, match="more than an export"):
        disassemble(_zip({"proof/proof.json": bytes(300_000_000)}))
    broken = bytearray(assemble(rich(), PROOF))
    broken[60] ^= 1
    with pytest.raises(NotAnExport):
        disassemble(bytes(broken))


@pytest.mark.parametrize("packing", [ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
def test_a_flipped_byte_in_a_zip_is_a_sentence_whatever_packed_it(packing: int) -> None:
    """Each way to pack has errors of its own, and none of them comes through."""
    intact = _zip({"proof/proof.json": b"{}" * 40, "proof/vkeys.txt": b"v" * 40}, packing)
    named = 0
    for place in range(len(intact)):
        broken = bytearray(intact)
        broken[place] ^= 0xFF
        try:
            disassemble(bytes(broken))
        except NotAnExport:
            named += 1
    assert named > len(intact) // 4


def _zip(contents: dict[str, bytes], packing: int = ZIP_DEFLATED) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w", compression=packing, compresslevel=1) as bundle:
        for name, body in contents.items():
            bundle.writestr(name, body)
    return archive.getvalue()


def _rows(sheet: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(sheet.decode("utf-8-sig"), newline=""), delimiter=";"))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_on_paper_no_heading_stands_apart_from_its_card() -> None:
    """Whatever heads something keeps with what follows, and a card that fits on a page is not torn."""
    page = readable(auskunft(line(1, "answered", "x")))["auskunft.html"].decode()
    printed = page.partition("@media print{")[2].partition("</style>")[0]
    rules = {
        (selector, rule)
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", printed)
        for selector in selectors.split(",")
        for rule in body.split(";")
    }
    heads = {(head, "break-after:avoid") for head in ("h2", "h3", "h4", "summary", ".result")}
    assert heads | {(".card", "break-inside:avoid"), (".row", "break-inside:avoid")} <= rules
