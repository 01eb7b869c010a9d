"""docs/reasons.md, written from the words themselves: `python tests/support/reasons_doc.py > docs/reasons.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gateway.outbound.reasons import FAULTS, REASONS, Reason

HEAD = """# Why there was no evidence

The closed list a data consumer can rely on: new codes may come, none changes its meaning.
Made from `gateway/outbound/reasons.toml`; EDM is the exception's number in an OOTS reply.
"""


def lines() -> Iterator[str]:
    """Out: the document, line by line."""
    yield HEAD
    yield "## Refused (`evidence.refusal`)\n"
    yield from _table({str(code): reason for code, reason in REASONS.items()})
    yield "\n## Failed (`evidence.failure`)\n"
    yield from _table({str(code): reason for code, reason in FAULTS.items()})


def _table(reasons: dict[str, Reason]) -> Iterator[str]:
    yield "| code | what is wrong, what to do | auf Deutsch | EDM |\n|---|---|---|---|"
    for code, reason in reasons.items():
        yield f"| `{code}` | {reason.en} | {reason.de} | {reason.edm} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
