"""The order of the rooms is the only order the type checker accepts."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[2]

HEAD = """
from collections.abc import Mapping
from datetime import datetime
from consent.decide import decide
from consent.minimise import minimise
from consent.policy import Policy
from consent.vocabulary import Filed, Found, Permit, Record, Refusal, Request, Submission, Submitted
from gateway import envelope, inbound, outbound
from gateway.house import House
from gateway.outbound.said import Setting
from gateway.ports import Register
from gateway.stages import Case, Contents, Delivery, Heard, Late, Mandate, Misread, Moved, Reply, Sender
from gateway.stages import Unauthentic, Written
from gateway.authenticate import authenticate

"""

SKIPS = {
    "authenticate": """
def {name}(delivery: Delivery, contents: Contents, house: House, policy: Policy, now: datetime) -> object:
    sender = authenticate(delivery, policy, house.terms, now)
    return inbound.read(contents, sender, policy, house.languages)  # the verdict is not looked at
""",
    "open": """
def {name}(delivery: Delivery, sender: Sender, house: House, policy: Policy) -> object:
    return inbound.read(delivery, sender, policy, house.languages)
""",
    "unopened": """
def {name}(delivery: Delivery, sender: Sender, house: House, policy: Policy) -> object:
    contents = envelope.opened(delivery, house)
    return inbound.read(contents, sender, policy, house.languages)  # nobody looked whether it could be opened
""",
    "read": """
def {name}(delivery: Delivery, policy: Policy, records: tuple[Record, ...], now: datetime) -> object:
    return decide(delivery, policy, records, now)
""",
    "misread": """
def {name}(asked: Request | Misread, policy: Policy, records: tuple[Record, ...], now: datetime) -> object:
    return decide(asked, policy, records, now)
""",
    "decide": """
async def {name}(case: Case, request: Request, sender: Sender, house: House, now: datetime) -> object:
    return await house.journal.asked(case, request, sender, now)
""",
    "refused": """
async def {name}(case: Case, decided: Permit | Refusal, sender: Sender, house: House, now: datetime) -> object:
    return await house.journal.asked(case, decided, sender, now)
""",
    "asked": """
async def {name}(register: Register, permit: Permit) -> object:
    return await register.fetch(permit)
""",
    "moved": """
async def {name}(register: Register, asked: Mandate | Moved | Refusal) -> object:
    return await register.fetch(asked)
""",
    "asked to write": """
async def {name}(register: Register, permit: Permit, said: Submission) -> object:
    return await register.write(permit, said.values, said.replaces)
""",
    "submission itself": """
async def {name}(register: Register, said: Submission) -> object:
    return await register.write(said, said.values, said.replaces)
""",
    "receive": """
def {name}(filed: Filed, request: Request, policy: Policy, setting: Setting) -> object:
    return outbound.receipt(filed, request, policy, setting)
""",
    "receipt": """
async def {name}(case: Case, heard: Heard, done: Submitted, house: House, now: datetime) -> object:
    return await house.journal.settled(case, heard, done, None, now)
""",
    "minimise": """
def {name}(found: Found, policy: Policy, setting: Setting) -> object:
    return outbound.answer(found, policy, setting)
""",
    "close": """
async def {name}(case: Case, heard: Heard, no: Refusal, said: Written, house: House, now: datetime) -> object:
    return await house.journal.settled(case, heard, no, said, now)
""",
    "settled": """
async def {name}(case: Case, heard: Heard, found: Found, house: House, now: datetime) -> object:
    return await house.journal.settled(case, heard, found, None, now)
""",
}


def test_each_skipped_room_is_a_type_error(tmp_path: Path) -> None:
    """Leaving out a room, or ignoring its refusal, does not type-check: one error for each, in its own function."""
    source = HEAD
    owner: dict[int, str] = {}
    for name, text in SKIPS.items():
        start = source.count("\n") + 1
        source += text.format(name=f"skips_{name.replace(' ', '_')}")
        owner |= dict.fromkeys(range(start, source.count("\n") + 1), name)
    file = tmp_path / "skips.py"
    file.write_text(source)
    cache = ROOT / ".mypy_cache"
    out, err, _ = api.run(
        [
            "--config-file",
            str(ROOT / "pyproject.toml"),
            "--cache-dir",
            str(cache),
            "--no-error-summary",
            str(file),
        ]
    )
    assert not err, err
    wrong: dict[str, set[str]] = {}
    for line in out.splitlines():
        if match := re.search(r"skips\.py:(\d+): error: .*\[([a-z-]+)\]$", line):
            wrong.setdefault(owner.get(int(match[1]), "head"), set()).add(match[2])
    assert {name: {"arg-type"} for name in SKIPS} == wrong, out
