"""What a valid XÖV message must be beyond its schema: rules as data (`rules.toml`), compiled once.

Of 32 valid real messages, 14 carried a `nachrichtentyp` that contradicted their root element: schema-valid is
not correct, and nothing routes on that code alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from lxml import etree

from xoev_schemas.findings import Finding

Violations: TypeAlias = Callable[[etree._Element], Iterator[etree._Element | str]]
"""In: a root. Out: each element that breaks the rule, or the name of the root's attribute that does."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `source` is where it is written."""

    id: str
    severity: Literal["reject", "warn"]
    text: str
    source: str
    violations: Violations = field(repr=False)


def check(root: etree._Element, rules: tuple[Rule, ...]) -> tuple[Finding, ...]:
    """In: a schema-valid message. Out: every rule it breaks, and where; never a value of it."""
    return tuple(
        Finding(rule.id, _path(where), rule.text, rule.severity)
        for rule in rules
        for where in rule.violations(root)
    )


def rejected(findings: tuple[Finding, ...]) -> bool:
    """Out: whether a finding makes the message unusable."""
    return any(finding.severity == "reject" for finding in findings)


def read(document: str) -> tuple[Rule, ...]:
    """In: rules as TOML. Out: the rules, compiled. Raises: ValueError for what is no rule."""
    return tuple(_rule(row) for row in tomllib.loads(document)["rule"])


def _rule(row: dict[str, str]) -> Rule:
    told = {key: row.pop(key) for key in ("id", "severity", "text", "source")}
    kind, severity = row.pop("kind"), told["severity"]
    if severity not in ("reject", "warn") or kind not in _KINDS:
        raise ValueError(f"rule {told['id']}: unknown severity or kind")
    judged: Literal["reject", "warn"] = "reject" if severity == "reject" else "warn"
    return Rule(told["id"], judged, told["text"], told["source"], _KINDS[kind](**row))


def _pattern(name: str, pattern: str) -> Violations:
    matches, any_name = re.compile(pattern).fullmatch, f"{{*}}{name}"
    return lambda root: (one for one in root.iter(any_name) if not matches((one.text or "").strip()))


def _not_empty(name: str) -> Violations:
    any_name = f"{{*}}{name}"
    return lambda root: (one for one in root.iter(any_name) if len(one) == 0 and not (one.text or "").strip())


def _agrees_with_root(name: str) -> Violations:
    any_name = f"{{*}}{name}"

    def violations(root: etree._Element) -> Iterator[etree._Element]:
        number = _NUMBER.search(etree.QName(root).localname)
        if number is None:
            return
        for one in root.iter(any_name):
            code = next(one.iter("{*}code"), one)
            if (code.text or "").strip() != number[1]:
                yield one
            return

    return violations


def _absent(name: str) -> Violations:
    return lambda root: iter((name,) if root.get(name) is not None else ())


_NUMBER: Final = re.compile(r"\.([0-9]{2,})$")
_KINDS: Final[Mapping[str, Callable[..., Violations]]] = {
    "pattern": _pattern,
    "not-empty": _not_empty,
    "agrees-with-root": _agrees_with_root,
    "absent": _absent,
}


def _path(where: Any) -> str:
    """Out: the place as XPath of local names."""
    if isinstance(where, str):
        return f"/@{where}"
    steps: list[str] = []
    while where is not None:
        same = sum(1 for _ in where.itersiblings(where.tag, preceding=True)) + 1
        several = same > 1 or next(where.itersiblings(where.tag), None) is not None
        steps.append(etree.QName(where).localname + (f"[{same}]" if several else ""))
        where = where.getparent()
    return "/" + "/".join(reversed(steps))


XOEV: Final = read((Path(__file__).parent / "rules.toml").read_text("utf-8"))
"""The rules of the XÖV framework, for every message with its header."""
