"""Writing: in the file's order, escaped, the same bytes for the same record, and never a value in an error."""

from __future__ import annotations

from typing import Any

import pytest

from xoev_schemas.mapping import Mapping, MappingError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<x:r xmlns:x="urn:example:x" version="1">'
MAPPING = Mapping.compile(
    b"""
root = "x:r"
ignore = ["internal"]
[namespaces]
x = "urn:example:x"
[codes.sex]
"<w>" = "female"
[fields]
"@version" = { const = "1" }
"@test" = { key = "test", type = "flag" }
"x:box/x:form/@list" = { const = "L&" }
"x:box/x:form/x:code" = { const = "<C>" }
"x:box/x:id/@scheme" = "box.scheme"
"x:box/x:id" = "box.id"
"x:slot[@name='A']/x:v" = "a"
"x:yes" = { key = "yes", type = "boolean" }
"x:day" = { key = "day", type = "date" }
"x:at" = { key = "at", type = "datetime" }
"x:sex" = { key = "sex", codes = "sex" }
"x:tags/x:tag" = { list = "tags" }
"x:office" = { list = "offices", part = "office" }
"x:one" = { key = "values", part = "one", when = { kind = "one" } }
"x:two" = { key = "values", part = "two", when = { kind = "two" } }
"x:three" = { key = "values", part = "three", when = { kind = "three" }, beside = "rest" }
[part.office]
"@art" = { const = "B" }
"x:n" = "name"
[part.one]
"x:n" = "n"
[part.two]
"x:m" = "m"
[part.three]
"x:n" = "n"
"x:rest" = { list = "rest", part = "one" }
""",
    "example.toml",
)
SECRET = "Quittenhild"

WRITTEN: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "what stands in a container brings its constants": (
        {"box": {"id": "7"}},
        '<x:box><x:form list="L&amp;"><x:code>&lt;C&gt;</x:code></x:form><x:id>7</x:id></x:box>',
    ),
    "an attribute alone": (
        {"box": {"scheme": "s"}},
        '<x:box><x:form list="L&amp;"><x:code>&lt;C&gt;</x:code></x:form><x:id scheme="s"></x:id></x:box>',
    ),
    "an empty container is left out": ({"box": {}}, ""),
    "an element told apart": ({"a": "1"}, '<x:slot name="A"><x:v>1</x:v></x:slot>'),
    "an empty text is a text": ({"a": ""}, '<x:slot name="A"><x:v></x:v></x:slot>'),
    "markup": ({"a": '<a b="c">&\''}, '<x:slot name="A"><x:v>&lt;a b="c"&gt;&amp;\'</x:v></x:slot>'),
    "the end of CDATA": ({"a": "]]>"}, '<x:slot name="A"><x:v>]]&gt;</x:v></x:slot>'),
    "a carriage return": ({"a": "1\r\n2"}, '<x:slot name="A"><x:v>1&#13;\n2</x:v></x:slot>'),
    "umlauts and what lies beyond": (
        {"a": "Ä\U0001f600"},
        '<x:slot name="A"><x:v>Ä\U0001f600</x:v></x:slot>',
    ),
    "an attribute's white space and quotes": (
        {"box": {"scheme": '"\t\n\r<&'}},
        (
            '<x:box><x:form list="L&amp;"><x:code>&lt;C&gt;</x:code></x:form>'
            '<x:id scheme="&quot;&#9;&#10;&#13;&lt;&amp;"></x:id></x:box>'
        ),
    ),
    "booleans": ({"yes": False}, "<x:yes>false</x:yes>"),
    "a code": ({"sex": "female"}, "<x:sex>&lt;w&gt;</x:sex>"),
    "a list": ({"tags": ["1", "2"]}, "<x:tags><x:tag>1</x:tag><x:tag>2</x:tag></x:tags>"),
    "an empty list": ({"tags": [], "offices": ()}, ""),
    "a list of records, an empty one too": (
        {"offices": [{"name": "A"}, {}]},
        '<x:office art="B"><x:n>A</x:n></x:office><x:office art="B"></x:office>',
    ),
    "a branch": ({"kind": "two", "values": {"m": "1"}}, "<x:two><x:m>1</x:m></x:two>"),
    "a branch with nothing in it": ({"kind": "one"}, "<x:one></x:one>"),
    "a branch and what stands beside its record": (
        {"kind": "three", "values": {"n": "1"}, "rest": [{"n": "2"}, {"n": "3"}]},
        "<x:three><x:n>1</x:n><x:rest><x:n>2</x:n></x:rest><x:rest><x:n>3</x:n></x:rest></x:three>",
    ),
    "a branch and nothing beside its record": (
        {"kind": "three", "values": {"n": "1"}},
        "<x:three><x:n>1</x:n></x:three>",
    ),
    "what the file ignores": ({"internal": {"any": 1}}, ""),
    "the file's order, not the record's": (
        {"day": "1990-02-28", "yes": True, "a": "1"},
        '<x:slot name="A"><x:v>1</x:v></x:slot><x:yes>true</x:yes><x:day>1990-02-28</x:day>',
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_is_written(what: str) -> None:
    """Each form a value can have in a record, and the document then."""
    record, inside = WRITTEN[what]
    assert MAPPING.write(record).decode() == f"{HEAD}{inside}</x:r>"


def test_a_flag_is_written_when_it_stands() -> None:
    """False is written as absence: a test attribute that says no would be a test message."""
    assert b' test="true"' in MAPPING.write({"test": True})
    assert b"test" not in MAPPING.write({"test": False})


def test_the_same_record_gives_the_same_bytes() -> None:
    """The order of a record's keys is not the document's."""
    one = {"a": "1", "tags": ["1", "2"], "box": {"id": "7", "scheme": "s"}}
    other = {"box": {"scheme": "s", "id": "7"}, "tags": ["1", "2"], "a": "1"}
    assert MAPPING.write(one) == MAPPING.write(other) == MAPPING.write(one)


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown key": ({"colour": SECRET}, "colour"),
    "an unknown key inside": ({"box": {"colour": SECRET}}, "box.colour"),
    "an unknown key in a list": ({"offices": [{"colour": SECRET}]}, "offices.colour"),
    "an unknown key in a branch": ({"kind": "one", "values": {"m": SECRET}}, "values.m"),
    "no record": ([SECRET], ""),
    "text for a record": ({"box": SECRET}, "box"),
    "a number": ({"a": 7}, "a"),
    "nothing": ({"a": None}, "a"),
    "text for a list": ({"tags": SECRET}, "tags"),
    "a number in a list": ({"tags": [7]}, "tags"),
    "text for a boolean": ({"yes": "true"}, "yes"),
    "no date": ({"day": SECRET}, "day"),
    "a date with a zone": ({"day": "1990-02-28Z"}, "day"),
    "no moment": ({"at": SECRET}, "at"),
    "an unknown word": ({"sex": SECRET}, "sex"),
    "an unknown choice": ({"kind": SECRET, "values": {}}, "kind"),
    "a branch nothing chooses": ({"values": {"n": SECRET}}, "values"),
    "what would stand beside another branch": (
        {"kind": "two", "values": {"m": "1"}, "rest": [{"n": SECRET}]},
        "rest",
    ),
    "what stands beside a branch, in its record": (
        {"kind": "three", "values": {"n": "1", "rest": [{"n": SECRET}]}},
        "rest",
    ),
    "what stands beside a branch that nothing chooses": ({"rest": [{"n": SECRET}]}, "rest"),
    "an unknown key beside a branch": (
        {"kind": "three", "values": {}, "rest": [{"colour": SECRET}]},
        "rest.colour",
    ),
    "text for a branch with something beside": (
        {"kind": "three", "values": SECRET, "rest": [{"n": "1"}]},
        "values",
    ),
    "a control character": ({"a": f"{SECRET}\x00"}, "a"),
    "half a character": ({"box": {"scheme": f"{SECRET}\ud800"}}, "box.scheme"),
    "a character that is none": ({"a": f"{SECRET}\ufffe"}, "a"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_written(what: str) -> None:
    """An error names the key and holds no value of the record."""
    record, key = WRONG[what]
    with pytest.raises(MappingError) as found:
        MAPPING.write(record)
    assert found.value.path == key
    assert SECRET not in f"{found.value} {found.value!r} {found.value.__cause__}"
