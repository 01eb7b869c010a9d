"""The words the law of the house is written in (docs/glossary.md has them in German).

Frozen values only. What can name a person never appears in a `repr`, so no log, trace or
exception can carry it by accident.
"""

from consent.vocabulary.outcomes import (
    SUBJECT,
    BasisUsed,
    Evidence,
    Found,
    NotFound,
    Permit,
    Person,
    Refusal,
    Removed,
    Value,
    Withheld,
)
from consent.vocabulary.problems import Problem
from consent.vocabulary.reasons import Check, Fact, Facts, ReasonCode
from consent.vocabulary.records import PERMITTING, Record, RecordState
from consent.vocabulary.requests import BasisClaim, BasisKind, Request, Subject

__all__ = [
    "PERMITTING",
    "SUBJECT",
    "BasisClaim",
    "BasisKind",
    "BasisUsed",
    "Check",
    "Evidence",
    "Fact",
    "Facts",
    "Found",
    "NotFound",
    "Permit",
    "Person",
    "Problem",
    "ReasonCode",
    "Record",
    "RecordState",
    "Refusal",
    "Removed",
    "Request",
    "Subject",
    "Value",
    "Withheld",
]
