"""The types that open doors are built in one place each; this reads the code itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOMES = {
    "Permit": ("consent/decide.py",),
    "Evidence": ("consent/minimise.py",),
    "Submitted": ("consent/receive.py",),
    "Contents": ("gateway/envelope.py",),
    "Enclosed": ("gateway/envelope.py",),
    "Filing": ("gateway/submitting.py",),
    "Mandate": ("gateway/journal/",),
    "Receipt": ("gateway/journal/",),
    "Reply": ("gateway/exchange.py",),
}
PACKAGES = ("gateway", "consent", "adapters", "xoev_schemas")


def _calls(name: str) -> set[str]:
    """Out: the files that build `name`, by call, by class method or by `replace`."""
    found: set[str] = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    called = node.func
                    spelled = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                    if spelled == name:
                        found.add(file.relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize("name", HOMES)
def test_a_type_that_opens_a_door_is_built_in_its_home_only(name: str) -> None:
    """A permit, a mandate, a receipt, evidence, what was submitted and a reply are made where they are earned."""
    built = _calls(name)
    assert built, f"{name} is built nowhere"
    assert all(any(file.startswith(home) for home in HOMES[name]) for file in built), built


COPIED = {
    "heard",
    "message",
    "said",
    "outbound.refusal(outcome, setting, heard.about)",
    "outbound.refusal(refusal, setting, heard.about)",
    "errand",
    "errand.request",
    "notice",
    "request",
    "delivery",
    "setting",
    "_asking(asked, language, consumer)",
    "wanted",
}
"""What the rooms copy with other contents: what was heard, words, and a delivery with the trace context that is handed
on. Nothing that opens a door."""


def test_no_room_copies_a_door_opener_with_other_contents() -> None:
    """`dataclasses.replace` on a permit or evidence would be a second constructor: what is copied is known."""
    copied = set()
    for room in (
        "gateway/envelope.py",
        "gateway/exchange.py",
        "gateway/hearing.py",
        "gateway/serve.py",
        "gateway/submitting.py",
        "gateway/inbound",
        "gateway/outbound",
    ):
        path = ROOT / room
        for file in [path] if path.is_file() else path.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                    "replace",
                    "dataclasses.replace",
                ):
                    copied.add(ast.unparse(node.args[0]))
    assert copied == COPIED
