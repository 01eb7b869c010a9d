"""The XPath 1.0 part of a published Schematron, evaluated with lxml: enough to hold our own messages to it."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from xoev_schemas.safe_xml import Limits, parse

SCH = "{http://purl.oclc.org/dsdl/schematron}"


def violated(root: etree._Element, schematron: Path) -> tuple[int, list[str]]:
    """Out: how many assertions were evaluated, and those that fail. XPath 2.0 ones are passed over."""
    rules = parse(schematron.read_bytes(), Limits())
    spaces = {str(ns.get("prefix")): str(ns.get("uri")) for ns in rules.iter(f"{SCH}ns")}
    count, failed = 0, []
    for rule in rules.iter(f"{SCH}rule"):
        context = str(rule.get("context"))
        for node in root.xpath(context if context.startswith("/") else f"//{context}", namespaces=spaces):
            if not isinstance(node, etree._Element):
                continue
            known = {
                str(let.get("name")): node.xpath(str(let.get("value")), namespaces=spaces)
                for let in rule.iter(f"{SCH}let")
            }
            for rule_assert in rule.iter(f"{SCH}assert"):
                test = str(rule_assert.get("test"))
                if "matches(" in test or rule_assert.get("role") == "info":
                    continue
                count += 1
                if not node.xpath(f"boolean({test})", namespaces=spaces, **known):
                    failed.append(str(rule_assert.get("id") or test))
    return count, failed
