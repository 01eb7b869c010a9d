"""JSON as strict as XML."""

from __future__ import annotations

import pytest

from xoev_schemas.safe_xml import Limits, Unsafe
from xoev_schemas.strict_json import build, parse

SMALL = Limits(bytes=1000, depth=4)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a":1,"a":2}', "malformed"),
        (b'{"a":{"b":1,"b":1}}', "malformed"),
        (b'{"a":NaN}', "malformed"),
        (b'{"a":-Infinity}', "malformed"),
        (b'{"a":1', "malformed"),
        (b"", "malformed"),
        (b'{"a":1} x', "malformed"),
        (b'{"a":"\n"}', "malformed"),
        (b'{"a":' + b"9" * 500 + b"e}", "malformed"),
        (b'{"a":[[[[]]]]}', "too-deep"),
        (b"[" * 900, "too-deep"),
        (b'"' + b"x" * 1000 + b'"', "too-large"),
        (b'\xef\xbb\xbf{"a":1}', "encoding"),
        ('{"a":1}'.encode("utf-16"), "encoding"),
        ('{"a":1}'.encode("utf-16-le"), "encoding"),
        ('{"a":1}'.encode("utf-32-le"), "encoding"),
        (b'{"a":"\xfc"}', "encoding"),
        (b'{"a":"\\ud800"}', "encoding"),
        (b'{"\\uDc00":"a"}', "encoding"),
    ],
)
def test_each_kind_of_unsafe_bytes_has_its_code(body: bytes, code: str) -> None:
    """Duplicate keys, numbers that are none, other encodings, too much of anything."""
    with pytest.raises(Unsafe) as caught:
        parse(body, SMALL)
    assert caught.value.code == code
    assert caught.value.__context__ is None


def test_a_hundred_thousand_open_brackets_end_at_once() -> None:
    """Depth is counted before anything recurses."""
    with pytest.raises(Unsafe, match="too-deep"):
        parse(b"[" * 100_000, Limits())


def test_brackets_inside_texts_are_no_depth() -> None:
    """Only structure counts, whatever is quoted and escaped."""
    text = '[[[[[[{{{"\\'
    assert parse(build({"a": text, "b": [[["x"]]]}), SMALL) == {"a": text, "b": [[["x"]]]}


def test_pairs_of_surrogates_are_one_character() -> None:
    """An escaped character outside the first plane is fine."""
    assert parse(b'"\\ud83d\\ude00"', SMALL) == "\U0001f600"
