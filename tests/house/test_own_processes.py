"""The processes that tests start have read the house when they begin (`processes`): reading it takes a second each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from processes import lived

TESTS: Final = Path(__file__).parents[1]
LOOKS: Final = """
import sys
read = "gateway.assembly" in sys.modules and "gateway.cli.demo.home" in sys.modules
from xoev_schemas import standards
sys.exit(not (read and standards.packaged.cache_info().currsize))
"""


def test_a_process_has_read_the_house_when_it_begins() -> None:
    """Its code, and the standards that never change."""
    assert lived(exec, LOOKS) == [0]


def test_what_is_read_before_is_said_in_one_place() -> None:
    """There is one server for all: whoever said it last would say it for everybody."""
    asking = {file.name for file in TESTS.rglob("*.py") if "get_context(" in file.read_text("utf-8")}
    assert asking - {Path(__file__).name} == {"processes.py"}
