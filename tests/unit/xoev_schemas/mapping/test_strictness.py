"""What a mapping file may not say: each mistake is found when it is compiled, and named by file and key."""

from __future__ import annotations

import pytest

from xoev_schemas.mapping import Mapping, MappingInvalid

HEAD = """
root = "x:r"
[namespaces]
x = "urn:example:x"
"""

XSI = "xsi = 'http://www.w3.org/2001/XMLSchema-instance'\n"
PART = "\n[part.p]\n'x:b' = 'l'"
CODES = "[codes.c]\na = 'b'\n"

WRONG = {
    "no TOML": ("root = ", "-"),
    "bytes that are no UTF-8": ("root = \"\udcff\"", "-"),
    "unknown key of the file": (f"colour = 'red'\n{HEAD}[fields]\n'x:a' = 'a'", "colour"),
    "no fields": (HEAD, "fields"),
    "no root": ("[fields]\n'a' = 'a'", "root"),
    "a root of two elements": ("root = 'a/b'\n[fields]\n'a' = 'a'", "root"),
    "a root with an undeclared prefix": ("root = 'y:r'\n[fields]\n'a' = 'a'", "root"),
    "unknown key of a row": (f"{HEAD}[fields]\n'x:a' = {{ key = 'a', colour = 'red' }}", "fields.\"x:a\".colour"),
    "a row that is a number": (f"{HEAD}[fields]\n'x:a' = 1", 'fields."x:a"'),
    "a key that is a number": (f"{HEAD}[fields]\n'x:a' = {{ key = 1 }}", 'fields."x:a".key'),
    "a row without a key": (f"{HEAD}[fields]\n'x:a' = {{ type = 'date' }}", 'fields."x:a"'),
    "a row with two keys": (f"{HEAD}[fields]\n'x:a' = {{ key = 'a', list = 'b' }}", 'fields."x:a"'),
    "a constant with a type": (f"{HEAD}[fields]\n'x:a' = {{ const = 'a', type = 'date' }}", 'fields."x:a"'),
    "an unknown type": (f"{HEAD}[fields]\n'x:a' = {{ key = 'a', type = 'money' }}", 'fields."x:a".type'),
    "a type and codes": (
        f"{HEAD}{CODES}[fields]\n'x:a' = {{ key = 'a', type = 'date', codes = 'c' }}",
        'fields."x:a"',
    ),
    "a key in capitals": (f"{HEAD}[fields]\n'x:a' = 'Name'", 'fields."x:a"'),
    "an undeclared prefix": (f"{HEAD}[fields]\n'y:a' = 'a'", 'fields."y:a"'),
    "a path with an empty step": (f"{HEAD}[fields]\n'x:a//x:b' = 'a'", 'fields."x:a//x:b"'),
    "a path that ends in a slash": (f"{HEAD}[fields]\n'x:a/' = 'a'", 'fields."x:a/"'),
    "a path that goes on behind an attribute": (f"{HEAD}[fields]\n'@a/x:b' = 'a'", 'fields."@a/x:b"'),
    "a path with more than an attribute's value": (f"{HEAD}[fields]\n'x:a[1]' = 'a'", 'fields."x:a[1]"'),
    "an empty path": (f"{HEAD}[fields]\n'' = 'a'", 'fields.""'),
    "a list of attributes": (f"{HEAD}[fields]\n'@a' = {{ list = 'a' }}", 'fields."@a"'),
    "two paths to one key": (f"{HEAD}[fields]\n'x:a' = 'k'\n'x:b' = 'k'", 'fields."x:b"'),
    "a key inside another's value": (f"{HEAD}[fields]\n'x:a' = 'k'\n'x:b' = 'k.l'", 'fields."x:b"'),
    "a key around another's": (f"{HEAD}[fields]\n'x:a' = 'k.l'\n'x:b' = 'k'", 'fields."x:b"'),
    "a key the file ignores": (f"ignore = ['k']\n{HEAD}[fields]\n'x:a' = 'k.l'", 'fields."x:a"'),
    "a path below text": (f"{HEAD}[fields]\n'x:a' = 'k'\n'x:a/x:b' = 'l'", 'fields."x:a/x:b"'),
    "a path below a constant": (f"{HEAD}[fields]\n'x:a' = {{ const = 'k' }}\n'x:a/x:b' = 'l'", 'fields."x:a/x:b"'),
    "text around elements": (f"{HEAD}[fields]\n'x:a/x:b' = 'k'\n'x:a' = 'l'", 'fields."x:a"'),
    "an attribute's value in other quotes": (f"{HEAD}[fields]\n'x:a[@n=\"1\"]' = 'k'", "fields.\"x:a[@n=\"1\"]\""),
    "an attribute said by the path": (f"{HEAD}[fields]\n\"x:a[@n='1']/@n\" = 'k'", "fields.\"x:a[@n='1']/@n\""),
    "told apart or not": (f"{HEAD}[fields]\n\"x:a[@n='1']\" = 'k'\n'x:a' = 'l'", 'fields."x:a"'),
    "told apart in two ways": (
        f"{HEAD}[fields]\n\"x:a[@n='1']\" = 'k'\n\"x:a[@m='1']\" = 'l'",
        "fields.\"x:a[@m='1']\"",
    ),
    "a part that is not there": (f"{HEAD}[fields]\n'x:a' = {{ part = 'p' }}", 'fields."x:a"'),
    "a part that holds itself": (
        f"{HEAD}[fields]\n'x:a' = {{ part = 'p' }}\n[part.p]\n'x:b' = {{ list = 'k', part = 'p' }}",
        "part.p.\"x:b\"",
    ),
    "a part that is empty": (f"{HEAD}[fields]\n'x:a' = {{ part = 'p' }}\n[part.p]", "part.p"),
    "a part that is never used": (f"{HEAD}[fields]\n'x:a' = 'k'{PART}", "part.p"),
    "a table that is never used": (f"{HEAD}{CODES}[fields]\n'x:a' = 'k'", "codes.c"),
    "a table that is not there": (f"{HEAD}[fields]\n'x:a' = {{ key = 'k', codes = 'c' }}", 'fields."x:a"'),
    "a table where two codes say the same": (
        f"{HEAD}[codes.c]\na = 'b'\nc = 'b'\n[fields]\n'x:a' = {{ key = 'k', codes = 'c' }}",
        "codes.c",
    ),
    "a table that holds a number": (f"{HEAD}[codes.c]\na = 1\n[fields]\n'x:a' = {{ key = 'k', codes = 'c' }}", "c.a"),
    "a namespace that is never used": (f"{HEAD}y = 'urn:example:y'\n[fields]\n'x:a' = 'k'", "namespaces.y"),
    "two prefixes for one namespace": (
        f"{HEAD}y = 'urn:example:x'\n[fields]\n'x:a' = 'k'\n'y:b' = 'l'",
        "namespaces",
    ),
    "a path into a list's records": (
        f"{HEAD}[fields]\n'x:a' = {{ list = 'k', part = 'p' }}\n'x:a/x:c' = 'm'{PART}",
        'fields."x:a/x:c"',
    ),
    "a repeated value with an attribute": (
        f"{HEAD}[fields]\n'x:a' = {{ list = 'k' }}\n'x:a/@n' = 'l'",
        'fields."x:a/@n"',
    ),
    "a message that is a plain value": (f"{HEAD}[fields]\n'x:a' = '.'", 'fields."x:a"'),
    "a choice without a part": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', when = {{ t = '1' }} }}",
        'fields."x:a".when',
    ),
    "a choice by two keys": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1', u = '2' }} }}{PART}",
        'fields."x:a".when',
    ),
    "a choice by one value twice": (
        (
            f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}\n"
            f"'x:c' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}{PART}"
        ),
        'fields."x:c"',
    ),
    "a choice for two keys": (
        (
            f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}\n"
            f"'x:c' = {{ key = 'm', part = 'p', when = {{ t = '2' }} }}{PART}"
        ),
        'fields."x:c"',
    ),
    "something beside what nothing chooses": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', beside = 'l' }}{PART}",
        'fields."x:a".beside',
    ),
    "something beside that is no key": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }}, beside = 'l.m' }}{PART}",
        'fields."x:a".beside',
    ),
    "something beside that the part has not": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }}, beside = 'm' }}{PART}",
        'fields."x:a"',
    ),
    "something beside where another path stands": (
        (
            f"{HEAD}[fields]\n'x:c' = 'l'\n"
            f"'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }}, beside = 'l' }}{PART}"
        ),
        'fields."x:a"',
    ),
    "a choosing key with a path of its own": (
        f"{HEAD}[fields]\n'x:t' = 't'\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}{PART}",
        'fields."x:a"',
    ),
    "a type with an undeclared prefix": (
        f"{HEAD}{XSI}[fields]\n'x:a/@xsi:type' = {{ const = 'y:T' }}",
        'fields."x:a/@xsi:type"',
    ),
    "a list without a record key": (
        f"{HEAD}[fields]\n'x:a' = {{ list = 'k', part = 'p' }}\n[part.p]\n'x:b' = {{ list = '.' }}",
        'part.p."x:b"',
    ),
    "a choice between elements that are one": (
        f"{HEAD}[fields]\n'.' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}{PART}",
        'fields."."',
    ),
    "a chosen form that is a plain value": (
        f"{HEAD}[fields]\n'x:a' = {{ key = 'k', part = 'p', when = {{ t = '1' }} }}\n[part.p]\n'x:b' = '.'",
        'fields."x:a"',
    ),
    "types without a table": (f"{HEAD}{XSI}[fields]\n'x:a/@xsi:type' = 'k'", 'fields."x:a/@xsi:type"'),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_by_file_and_key(mistake: str) -> None:
    """Nothing wrong in a mapping file survives compiling."""
    text, key = WRONG[mistake]
    with pytest.raises(MappingInvalid) as found:
        Mapping.compile(text.encode("utf-8", "surrogateescape"), "brief.toml")
    assert (found.value.file, found.value.key) == ("brief.toml", key)
    assert str(found.value).startswith(f"brief.toml: {key}: ")


def test_what_is_shared_may_stay_unused() -> None:
    """A standard's shared file serves several messages, each of which uses some of it."""
    shared = (
        b"[namespaces]\nx = 'urn:example:x'\ny = 'urn:example:y'\n[part.p]\n'y:b' = 'l'\n[codes.c]\na = 'b'"
    )
    mapping = Mapping.compile(b"root = 'x:r'\n[fields]\n'x:a' = 'k'", "brief.toml", (shared, "shared.toml"))
    assert b"urn:example:y" not in mapping.write({"k": "v"})


def test_what_is_shared_is_said_once() -> None:
    """A file can't change what its neighbours share."""
    shared = b"[namespaces]\nx = 'urn:example:x'"
    with pytest.raises(MappingInvalid, match=r"brief\.toml: namespaces\.x: is also in shared\.toml"):
        Mapping.compile(f"{HEAD}[fields]\n'x:a' = 'k'".encode(), "brief.toml", (shared, "shared.toml"))


def test_a_mistake_in_the_shared_file_is_named_there() -> None:
    """The file named is the one to mend."""
    with pytest.raises(MappingInvalid) as found:
        Mapping.compile(b"root = 'r'\n[fields]\n'a' = 'k'", "brief.toml", (b"fields = 1", "shared.toml"))
    assert (found.value.file, found.value.key) == ("shared.toml", "fields")
