"""Reading: one pass, by namespace and local name, and never a value in an error."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from xoev_schemas.mapping import Mapping, MappingError
from xoev_schemas.safe_xml import Limits, parse

MAPPING = Mapping.compile(
    b"""
root = "x:r"
[namespaces]
x = "urn:example:x"
y = "urn:example:y"
xsi = "http://www.w3.org/2001/XMLSchema-instance"
[codes.sex]
w = "female"
m = "male"
[codes.type]
"y:Big" = "big"
"y:Small" = "small"
[fields]
"@test" = { key = "test", type = "flag" }
"x:id" = "id"
"x:note" = { key = "note", type = "text" }
"x:day" = { key = "day", type = "date" }
"x:at" = { key = "at", type = "datetime" }
"x:yes" = { key = "yes", type = "boolean" }
"x:sex" = { key = "person.sex", codes = "sex" }
"x:box/x:id" = "box.id"
"x:slot[@name='A']/x:v" = "a"
"x:slot[@name='B']/x:v" = "b"
"x:tag" = { list = "tags" }
"x:code" = { list = "codes", part = "code" }
"x:office" = { list = "offices", part = "office" }
"x:thing/@xsi:type" = { key = "thing", codes = "type" }
"x:one" = { key = "values", part = "one", when = { kind = "one" } }
"x:two" = { key = "values", part = "two", when = { kind = "two" } }
"x:three" = { key = "values", part = "three", when = { kind = "three" }, beside = "rest" }
"plain" = "plain"
[part.code]
"@list" = { const = "l" }
"x:code" = "."
[part.office]
"@id" = "id"
"." = "name"
[part.one]
"x:n" = "n"
[part.two]
"x:n" = "n"
[part.three]
"x:n" = "n"
"x:rest" = { list = "rest", part = "one" }
""",
    "example.toml",
)
SECRET = "Quittenhild"


def read(inside: str, attributes: str = "") -> dict[str, Any]:
    text = f'<q:r xmlns:q="urn:example:x" xmlns="urn:example:x"{attributes}>{inside}</q:r>'
    return MAPPING.read(parse(text.encode(), Limits()))


READ = {
    "text": ("<id>7</id>", {"id": "7"}),
    "any prefix": ("<q:id>7</q:id>", {"id": "7"}),
    "an empty element": ("<id/>", {"id": ""}),
    "white space around a token": ("<id>\n  7  8\t9 </id>", {"id": "7 8 9"}),
    "a no-break space": ("<id> 7\u00a0 </id>", {"id": "7\u00a0"}),
    "white space in a text": ("<note> a\n b </note>", {"note": " a\n b "}),
    "references and CDATA": ("<note>&lt;&#x1F600;<![CDATA[]]&gt;<b>]]></note>", {"note": "<\U0001f600]]&gt;<b>"}),
    "a date": ("<day> 1990-02-28 </day>", {"day": "1990-02-28"}),
    "a date with a zone": ("<day>1990-02-28+01:00</day>", {"day": "1990-02-28"}),
    "a moment": ("<at>2026-11-21T20:15:00.123+01:00</at>", {"at": "2026-11-21T20:15:00.123+01:00"}),
    "true": ("<yes>true</yes>", {"yes": True}),
    "0": ("<yes> 0 </yes>", {"yes": False}),
    "a code": ("<sex>w</sex>", {"person": {"sex": "female"}}),
    "a nested key": ("<box><id>8</id></box>", {"box": {"id": "8"}}),
    "an element told apart": ('<slot name="B"><v>2</v></slot><slot name="A"><v>1</v></slot>', {"a": "1", "b": "2"}),
    "elements not told apart": ('<slot name="C"><v>1</v></slot><slot><v>2</v></slot>', {}),
    "a list": ("<tag>1</tag><id>7</id><tag>2</tag>", {"tags": ["1", "2"], "id": "7"}),
    "a list of code elements": ("<code><code>1</code></code><code><code>2</code></code>", {"codes": ["1", "2"]}),
    "a list of records": (
        '<office id="1">A</office><office/>', {"offices": [{"id": "1", "name": "A"}, {}]},
    ),
    "a type, by its namespace": (
        '<thing xmlns:z="urn:example:y" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="z:Big"/>',
        {"thing": "big"},
    ),
    "a type, in the default namespace": (
        '<q:thing xmlns="urn:example:y" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type=" Small "/>',
        {"thing": "small"},
    ),
    "a branch": ("<two><n>1</n></two>", {"kind": "two", "values": {"n": "1"}}),
    "an empty branch": ("<one/>", {"kind": "one", "values": {}}),
    "a branch and what stands beside its record": (
        "<three><n>1</n><rest><n>2</n></rest></three>",
        {"kind": "three", "values": {"n": "1"}, "rest": [{"n": "2"}]},
    ),
    "a branch and nothing beside its record": ("<three/>", {"kind": "three", "values": {}}),
    "another namespace": ('<z:id xmlns:z="urn:example:z">7</z:id>', {}),
    "no namespace": ('<plain xmlns="">7</plain><plain>8</plain>', {"plain": "7"}),
    "unknown elements": ("<unknown><id>7</id></unknown>", {}),
}  # fmt: skip


@pytest.mark.parametrize("what", READ)
def test_what_is_read(what: str) -> None:
    """Each form a value can have in a document, and what the record holds then."""
    inside, record = READ[what]
    assert read(inside) == record


@pytest.mark.parametrize("said", ["true", "false", "", "anything"])
def test_a_flag_is_there_or_not(said: str) -> None:
    """XÖV's test attribute marks a test message whatever it says."""
    assert read("", f' test="{said}"') == {"test": True}
    assert read("") == {}


def test_text_is_joined_around_comments_and_instructions() -> None:
    """What a comment or a processing instruction splits is one text again, also where a parser keeps them."""
    root = parse(b'<r xmlns="urn:example:x"><id></id><tag/></r>', Limits())
    identifier, tag = root[0], root[1]
    identifier.text = "Mu"
    for node in (etree.Comment("<id>x</id>"), etree.ProcessingInstruction("x", "y")):
        node.tail = "ster"
        identifier.append(node)
    root.insert(0, etree.Comment("before"))
    tag.append(etree.Comment("only"))
    assert MAPPING.read(root) == {"id": "Musterster", "tags": [""]}


WRONG = {
    "an element twice": (f"<id>1</id><id>{SECRET}</id>", "/x:r/x:id"),
    "a container twice": ("<box><id>1</id></box><box/>", "/x:r/x:box"),
    "an element told apart twice": (
        '<slot name="A"/><slot name="B"/><slot name="A"/>', "/x:r/x:slot[@name='A']",
    ),
    "a branch twice": ("<one/><one/>", "/x:r/x:one"),
    "two branches": ("<one/><two/>", "/x:r/x:two"),
    "elements in text": (f"<id>1<b>{SECRET}</b></id>", "/x:r/x:id"),
    "no date": (f"<day>{SECRET}</day>", "/x:r/x:day"),
    "a day that never was": ("<day>1990-02-30</day>", "/x:r/x:day"),
    "a date in other digits": ("<day>١٩٩٠-02-28</day>", "/x:r/x:day"),
    "no moment": ("<at>2026-11-21</at>", "/x:r/x:at"),
    "no boolean": ("<yes>ja</yes>", "/x:r/x:yes"),
    "an unknown code": (f"<sex>{SECRET}</sex>", "/x:r/x:sex"),
    "a list item without its value": ("<code/>", "/x:r/x:code"),
    "an unknown type": (
        '<thing xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="q:Big"/>',
        "/x:r/x:thing/@xsi:type",
    ),
    "a type with a loose prefix": (
        '<thing xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="nowhere:Big"/>',
        "/x:r/x:thing/@xsi:type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_read(what: str) -> None:
    """An error names the place by the mapping's own names and holds no value of the message."""
    inside, path = WRONG[what]
    with pytest.raises(MappingError) as found:
        read(inside)
    assert found.value.path == path
    assert SECRET not in f"{found.value} {found.value!r} {found.value.__cause__}"


def test_another_root_is_refused() -> None:
    """A mapping reads its own message only, also when another one has its local name."""
    with pytest.raises(MappingError, match="another root"):
        MAPPING.read(parse(b'<r xmlns="urn:example:y"/>', Limits()))
