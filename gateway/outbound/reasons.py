"""What the asker is told: every reason and every fault in German and English (reasons.toml), read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from consent.vocabulary import ReasonCode
from gateway.errors import FaultCode


@dataclass(frozen=True, slots=True)
class Reason:
    """The words for one code, and the number it has among EDM's exceptions."""

    de: str
    en: str
    edm: str

    @property
    def words(self) -> dict[str, str]:
        """Out: the message of a record."""
        return {"de": self.de, "en": self.en}


def read(document: str) -> tuple[Mapping[ReasonCode, Reason], Mapping[FaultCode, Reason]]:
    """In: reasons.toml. Out: the words by reason and by fault. Raises: ValueError for unknown codes and keys."""
    tables: dict[str, dict[str, Any]] = tomllib.loads(document)
    reasons = {ReasonCode(code): _reason(row) for code, row in tables.pop("reason").items()}
    faults = {FaultCode(code): _reason(row) for code, row in tables.pop("fault").items()}
    if tables:
        raise ValueError("reasons.toml has an unknown table")
    return reasons, faults


def _reason(row: dict[str, str]) -> Reason:
    if set(row) != {"de", "en", "edm"}:
        raise ValueError("a reason has exactly de, en and edm")
    return Reason(**row)


_READ: Final = read((Path(__file__).parent / "reasons.toml").read_text("utf-8"))
REASONS: Final[Mapping[ReasonCode, Reason]] = _READ[0]
FAULTS: Final[Mapping[FaultCode, Reason]] = _READ[1]
