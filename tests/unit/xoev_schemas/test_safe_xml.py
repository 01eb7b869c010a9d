"""The only parser: what it refuses, under which code, and what it hands on."""

from __future__ import annotations

import traceback

import pytest

from xoev_schemas.safe_xml import Limits, Unsafe, parse, parse_schema

SMALL = Limits(bytes=4000, depth=5, elements=10, attributes=3, text_bytes=100)
BOMB = (
    b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">'
    + b"".join(
        b'<!ENTITY x%d "%s">' % (n, b"&x%s;" % (b"" if n == 0 else b"%d" % (n - 1)) * 10) for n in range(9)
    )
    + b"]><a>&x8;</a>"
)


def refused(body: bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(Unsafe) as caught:
        parse(body, limits)
    return caught.value.code


def levels(n: int) -> bytes:
    return b"<a>" * n + b"</a>" * n


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<a>" + b" " * 4000 + b"</a>", "too-large"),
        (levels(6), "too-deep"),
        (b"<a>" + b"<b/>" * 10 + b"</a>", "too-many-elements"),
        (b"<a b='1' c='2' d='3' e='4'/>", "too-many-attributes"),
        (b"<a xmlns='u:1' xmlns:b='u:2' xmlns:c='u:3' xmlns:d='u:4'/>", "too-many-attributes"),
        (b"<a>" + b"x" * 101 + b"</a>", "text-too-long"),
        (b"<a>" + b"x" * 60 + b"<!-- -->" + b"x" * 60 + b"</a>", "text-too-long"),
        (b"<a>" + b"x" * 60 + b"<![CDATA[" + b"x" * 60 + b"]]></a>", "text-too-long"),
        (b"<a b='" + b"x" * 101 + b"'/>", "text-too-long"),
        (b"<!DOCTYPE a><a/>", "dtd"),
        (b"<!-- x --><?p?>\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "dtd"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'http://example.org/'>]><a>&b;</a>", "dtd"),
        (b"<a>&b;</a>", "malformed"),
        (b"", "malformed"),
        (b"  ", "malformed"),
        (b"plain", "malformed"),
        (b"<a>", "malformed"),
        (b"<a/><b/>", "malformed"),
        (b"<x:a/>", "malformed"),
        (b"<a b='1' b='2'/>", "malformed"),
        (b"<a><!-- </a>", "malformed"),
        (b"<a><![CDATA[ </a>", "malformed"),
        (b"<!ELEMENT a ANY><a/>", "malformed"),
        (b" <?xml version='1.0'?><a/>", "malformed"),
        (b"<?xml version='1.1'?><a/>", "malformed"),
        (b"<?xml encoding='UTF-8'?><a/>", "malformed"),
    ],
)
def test_each_kind_of_unsafe_bytes_has_its_code(body: bytes, code: str) -> None:
    """Whatever could cost or mislead is refused, and the code says which."""
    assert refused(body) == code


@pytest.mark.parametrize(
    "body",
    [
        "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"),
        "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16-le"),
        "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16-be"),
        "<a/>".encode("utf-32"),
        "<a/>".encode("utf-32-le"),
        "<?xml version='1.0' encoding='cp037'?><a/>".encode("cp037"),
        b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b/+AD4-</a>",
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        b"<?xml version='1.0' encoding='US-ASCII'?><a/>",
        b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-16'?><a/>",
        b"<a>\xfc</a>",
        b"<a>\xc0\xbcb/\xc0\xbe</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>\0</a>",
    ],
)
def test_every_encoding_but_utf_8_is_refused(body: bytes) -> None:
    """UTF-16 and UTF-32 with and without a mark, UTF-7, EBCDIC, Latin-1, overlong forms, surrogates."""
    assert refused(body) == "encoding"


@pytest.mark.parametrize(
    "head",
    [b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8" ?>\n',
     b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>", b"\n  "],
)  # fmt: skip
def test_utf_8_is_read_with_and_without_mark_and_declaration(head: bytes) -> None:
    """A byte order mark and a truthful declaration change nothing."""
    assert parse(head + "<a>ü</a>".encode(), SMALL).text == "ü"


def test_a_message_at_each_limit_passes() -> None:
    """A limit is the last value that is allowed."""
    assert parse(levels(5), SMALL).tag == "a"
    assert len(parse(b"<a>" + b"<b/>" * 9 + b"</a>", SMALL)) == 9
    assert len(parse(b"<a b='1' c='2' d='3'/>", SMALL).attrib) == 3
    assert len(parse(b"<a>" + b"x" * 98 + b"</a>", SMALL).text or "") == 98
    whole = b"<a>" + b"<b>x</b>" * 9 + b"</a>"
    assert parse(whole, Limits(bytes=len(whole))).tag == "a"


def test_text_that_looks_like_markup_is_not_counted_as_markup() -> None:
    """Equals signs in text are no attributes; angle brackets in CDATA and comments are no elements."""
    assert parse(b"<a b='>'>= = = = = = =</a>", SMALL).text == "= = = = = = ="
    assert parse(b"<a><![CDATA[" + b"<b>" * 20 + b"]]></a>", SMALL).text == "<b>" * 20
    assert len(parse(b"<a><!--" + b"<b>" * 20 + b"--></a>", SMALL)) == 0


def test_comments_and_instructions_cannot_split_a_text() -> None:
    """What a person reads as one value is one text, with nothing left out."""
    assert parse(b"<a>1<!-- x -->2<?p x?>3<![CDATA[4]]>5</a>", SMALL).text == "12345"


def test_ten_thousand_levels_and_an_entity_bomb_end_at_once() -> None:
    """Neither is built: libxml2 stops at level 256, a document type is never read."""
    assert refused(levels(10_000), Limits()) == "too-deep"
    assert refused(BOMB, Limits()) == "dtd"


@pytest.mark.parametrize(
    "body",
    [
        b"<!--" * 400_000,
        b"<a>" + b"<![CDATA[" * 200_000,
        b"<a b='" * 300_000,
        b"<?" * 900_000,
        b"<" * 1_900_000,
    ],
)
def test_unfinished_markup_does_not_make_the_count_quadratic(body: bytes) -> None:
    """Two megabytes of openings that never close are refused within the test's patience."""
    assert refused(body, Limits()) in {"malformed", "too-many-elements"}


def test_a_refusal_quotes_nothing_of_the_message() -> None:
    """Neither text nor traceback of the refusal holds a word of the body, only code and line."""
    with pytest.raises(Unsafe) as caught:
        parse(b"<a>\n<geheimnis>Muster</geheim></a>", SMALL)
    printed = "".join(traceback.format_exception(caught.value))
    assert str(caught.value) == "malformed (line 2)"
    assert caught.value.__context__ is None
    assert "geheim" not in printed.replace('parse(b"<a>\\n<geheimnis>Muster</geheim></a>", SMALL)', "")


def test_no_limit_can_ask_for_more_levels_than_are_stopped_while_building() -> None:
    """A depth beyond libxml2's own would let a finished tree be trusted."""
    with pytest.raises(ValueError, match="depth"):
        Limits(depth=256)


def test_a_schema_file_may_have_internal_entities_and_nothing_external() -> None:
    """The W3C's signature schema uses them; an external one is never opened."""
    assert parse_schema(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").text == "c"
    external = b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"
    with pytest.raises(Unsafe):
        parse_schema(external)
