"""Findings: the rule and the place, never a value."""

from __future__ import annotations

import pytest

from xoev_schemas.catalogue import Catalogue
from xoev_schemas.findings import MOST_FINDINGS
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.sets import SchemaSet
from xoev_schemas.validate import Schema

XSD = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:m" xmlns="urn:m"
 elementFormDefault="qualified"><xs:element name="m"><xs:complexType><xs:sequence>
 <xs:element name="born" type="xs:date"/><xs:element name="code" maxOccurs="unbounded"><xs:simpleType>
 <xs:restriction base="xs:string"><xs:pattern value="[0-9]{4}"/></xs:restriction></xs:simpleType></xs:element>
 <xs:element name="kind" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string">
 <xs:enumeration value="a"/></xs:restriction></xs:simpleType></xs:element></xs:sequence>
 <xs:attribute name="id" type="xs:integer"/>
 </xs:complexType></xs:element></xs:schema>"""
SECRET = "Geheimwort"


@pytest.fixture(scope="module")
def schema() -> Schema:
    found = Catalogue([SchemaSet("m", {"m.xsd": XSD})]).schema("urn:m", "m")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("inner", "rule", "path"),
    [
        ("<born>1970-01-01</born><code>{}</code>", "xsd:pattern", "/m/code"),
        ("<born>1970-01-01</born><code>0101</code><code>{}</code>", "xsd:pattern", "/m/code[2]"),
        ("<born>{}</born><code>0101</code>", "xsd:value", "/m/born"),
        ("<born>1970-01-01</born><code>0101</code><kind>{}</kind>", "xsd:enumeration", "/m/kind"),
        ("<born>1970-01-01</born>", "xsd:content", "/m"),
        ("<born>1970-01-01</born><code>0101</code><{0}>{0}</{0}>", "xsd:content", "/m"),
        ("<born>1970-01-01</born><code {0}='{0}'>0101</code>", "xsd:attribute", "/m/code"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "p:"])
def test_each_finding_names_rule_and_place_and_no_value(
    schema: Schema, inner: str, rule: str, path: str, prefix: str
) -> None:
    """Whatever the message holds, and however it names its namespace."""
    text = inner.format(SECRET)
    if prefix:
        text = text.replace("</", "\0").replace("<", "<p:").replace("\0", "</p:")
    named = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    root = parse(f"<{prefix}m {named}='urn:m'>{text}</{prefix}m>".encode(), Limits())
    assert not schema.valid(root)
    findings = schema.explain(root)
    assert (findings[0].rule, findings[0].path) == (rule, path)
    assert SECRET not in repr(findings)


def test_what_is_missing_is_named_by_the_schema(schema: Schema) -> None:
    """The expected elements are the schema's words, so they may be told."""
    root = parse(b"<m xmlns='urn:m'><born>1970-01-01</born></m>", Limits())
    assert schema.explain(root)[0].text.endswith("expected: code")


def test_a_valid_message_has_no_findings(schema: Schema) -> None:
    """Nothing to explain."""
    root = parse(b"<m xmlns='urn:m' id='1'><born>1970-01-01</born><code>0101</code></m>", Limits())
    assert schema.valid(root)
    assert schema.explain(root) == ()


def test_a_thousand_mistakes_are_not_told_a_thousand_times(schema: Schema) -> None:
    """The list ends."""
    body = "<m xmlns='urn:m'><born>1970-01-01</born>" + "<code>x</code>" * 1000 + "</m>"
    assert len(schema.explain(parse(body.encode(), Limits()))) == MOST_FINDINGS
