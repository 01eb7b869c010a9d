"""TOML with the line of every key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.problems import Document, KeyPath
from consent.vocabulary import Problem
from gateway.config.toml import FILE_BYTES, parse, read_bytes

SAMPLE = b"""# first line
id = "x"
title = { de = "A", en = "B" }
name = "n"
dotted.inner = 1
"quoted key".'literal' = 2

[sql]  # a comment
url = "u"
[sql.match]
idnr = "i"
[[evidence]]
type = "a"
fields = [
  "one",
  # between
  "two",
]
[[evidence.person]]
role = "p"
[[evidence.person]]
role = "q"
[[evidence]]
type = "b"
codes = [{ x = 1 }, { y = 2 }]
[evidence.fields]
town = "t"
[[evidence.person]]
role = "r"
"""


def document(raw: bytes) -> Document:
    found = parse("x.toml", raw)
    assert isinstance(found, Document), found
    return found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 2),
        (("title",), 3),
        (("title", "de"), 3),
        (("title", "en"), 3),
        (("dotted", "inner"), 5),
        (("quoted key", "literal"), 6),
        (("sql",), 8),
        (("sql", "url"), 9),
        (("sql", "match"), 10),
        (("sql", "match", "idnr"), 11),
        (("evidence",), 12),
        (("evidence", 0), 12),
        (("evidence", 0, "fields"), 14),
        (("evidence", 0, "fields", 1), 17),
        (("evidence", 0, "person", 0, "role"), 20),
        (("evidence", 0, "person", 1, "role"), 22),
        (("evidence", 1, "type"), 24),
        (("evidence", 1, "codes", 1, "y"), 25),
        (("evidence", 1, "fields", "town"), 27),
        (("evidence", 1, "person", 0, "role"), 29),
    ],
    ids=str,
)
def test_every_key_is_found_on_its_line(path: KeyPath, line: int) -> None:
    """In tables, inline tables, lists, lists of tables and under dotted and quoted keys."""
    assert document(SAMPLE).locate(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("sql", "tabel"), 8),
        (("evidence", 1, "title", "de"), 23),
        (("evidence", 0, "fields", 7), 14),
        (("nothing",), 1),
        ((), 1),
    ],
    ids=str,
)
def test_what_is_missing_is_found_where_it_belongs(path: KeyPath, line: int | None) -> None:
    """The closest thing around it."""
    assert document(SAMPLE).locate(path) == line


@pytest.mark.parametrize(
    ("raw", "line", "wrong"),
    [
        (b"", 1, "is empty"),
        (b" \n\t\n", 1, "is empty"),
        (b'id = "x"\ntitle = { de = "\xff" }\n', 2, "is not UTF-8"),
        ('id = "ä"\n'.encode("utf-16"), 1, "is not UTF-8"),
        (b'\xef\xbb\xbfid = "x"\n', 1, "byte order mark"),
        (b'id = "x"\ntitle = { de = "A"', 2, "is not TOML"),
        (b'id = "x"\n[[grant]]\nfields = [\n  "a",\n', 4, "half of it"),
        (b'id = "x"\nid = "y"\n', 2, "is not TOML"),
        (b"id = x\n", 1, "is not TOML"),
        (b'a = 1\n\nb = "\x00"\n', 3, "is not TOML"),
        (b"a = " + b"[" * 100_000, None, "nested too deeply"),
        (b"a = " + b"1" * 5_000, None, "a number that is too long"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_toml_is_a_mistake_with_its_place(raw: bytes, line: int | None, wrong: str) -> None:
    """Not UTF-8, half a file, an empty one, a key twice: told, never raised."""
    found = parse("x.toml", raw)
    assert isinstance(found, Problem)
    assert (found.file, found.line) == ("x.toml", line)
    assert wrong in found.wrong
    assert found.mend


@pytest.mark.parametrize(
    ("last", "mend"),
    [
        ("valid_to = 31.12.2027", "Write a date as 2026-12-31, without quotation marks."),
        ("valid_to = 31.12.2027\n", "Write a date as 2026-12-31, without quotation marks."),
        ("asks = yes\n", "Write true or false."),
        ("asks = True  # as always\n", "Write true or false."),
        ("title = Stadt\n", 'Write text in quotation marks: "a".'),
        ("title = 'Stadt' 'Land'\n", "Correct this line or the one before it."),
    ],
)
def test_a_value_in_another_form_is_told_with_its_own_even_in_the_last_line(last: str, mend: str) -> None:
    """Nothing is missing there: the file is whole."""
    found = parse("x.toml", f'id = "x"\n{last}'.encode())
    assert isinstance(found, Problem)
    assert (found.line, found.mend, "half of it" in found.wrong) == (2, mend, False)


@pytest.mark.parametrize("half", ['title = { de = "A', "title =", "title", "fields = [", "[[grant"])
def test_half_a_line_at_the_end_is_told_as_that(half: str) -> None:
    """A copy that was cut off, or a disk that was full."""
    found = parse("x.toml", f'id = "x"\n{half}'.encode())
    assert isinstance(found, Problem)
    assert (found.line, "half of it" in found.wrong) == (2, True)


def test_a_table_that_is_declared_twice_is_named() -> None:
    """As it stands in the file, not as Python prints it."""
    found = parse("x.toml", b"[log.auditor]\n[a]\n[log.auditor]\n")
    assert isinstance(found, Problem)
    assert (found.line, found.wrong) == (3, "is not TOML: the table log.auditor is declared twice")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_a_mistake(raw: bytes) -> None:
    """Nothing is raised, whatever is in a file."""
    found = parse("x.toml", raw)
    assert isinstance(found, Document | Problem)
    if isinstance(found, Document):
        assert found.data == tomllib.loads(raw.decode())


@settings(deadline=None)
@given(st.integers(0, len(SAMPLE)))
def test_half_a_file_is_a_mistake_or_a_shorter_file(size: int) -> None:
    """Cut anywhere, what is read has lines for every key it has."""
    found = parse("x.toml", SAMPLE[:size])
    if isinstance(found, Document):
        assert all(found.locate((key,)) for key in found.data)


# --- files ----------------------------------------------------------------------------------------------------
def test_a_file_of_the_home_is_read(tmp_path: Path) -> None:
    """Its bytes, as they are."""
    (tmp_path / "x.toml").write_bytes(b"\xffraw\r\n")
    assert read_bytes(tmp_path, "x.toml") == b"\xffraw\r\n"


def test_a_link_within_the_home_is_read(tmp_path: Path) -> None:
    """One file may have two names."""
    (tmp_path / "real.toml").write_bytes(b"a = 1")
    (tmp_path / "x.toml").symlink_to("real.toml")
    assert read_bytes(tmp_path, "x.toml") == b"a = 1"


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "link out", "link nowhere", "link in a circle", "large"]
)
def test_what_should_not_be_read_is_not(tmp_path: Path, kind: str) -> None:
    """Missing files, folders, links out of the home, links to nowhere, files without end."""
    home = tmp_path / "home"
    home.mkdir()
    file, outside = home / "x.toml", tmp_path / "outside.toml"
    outside.write_bytes(b"a = 1")
    if kind == "folder":
        file.mkdir()
    elif kind == "link out":
        file.symlink_to(outside)
    elif kind == "link nowhere":
        file.symlink_to(home / "gone.toml")
    elif kind == "link in a circle":
        file.symlink_to(file)
    elif kind == "large":
        file.write_bytes(b"#" * (FILE_BYTES + 1))
    found = read_bytes(home, "x.toml")
    assert isinstance(found, Problem)
    assert found.file == "x.toml"
    assert str(tmp_path) not in str(found)


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    """The limit is the largest that is allowed."""
    (tmp_path / "x.toml").write_bytes(b"#" * FILE_BYTES)
    assert isinstance(read_bytes(tmp_path, "x.toml"), bytes)
