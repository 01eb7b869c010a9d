"""The words the law of the house is written in (docs/glossary.md has them in German).

Frozen values only. What can name a person never appears in a `repr`, so no log, trace or
exception can carry it by accident.
"""

from consent.vocabulary.outcomes import (
    SUBJECT,
    BasisUsed,
    Blocked,
    Conflict,
    Evidence,
    Exemption,
    Filed,
    Found,
    NotFound,
    OnFile,
    Permit,
    Person,
    Refusal,
    Removed,
    Submitted,
    Value,
    Withheld,
)
from consent.vocabulary.problems import Problem
from consent.vocabulary.reasons import Check, Fact, Facts, ReasonCode
from consent.vocabulary.records import (
    ASSURANCES,
    PERMITTING,
    Assurance,
    Held,
    Power,
    ProofKind,
    Record,
    RecordState,
)
from consent.vocabulary.requests import (
    FORMS,
    Action,
    BasisClaim,
    BasisKind,
    Request,
    Subject,
    Submission,
)

__all__ = [
    "ASSURANCES",
    "FORMS",
    "PERMITTING",
    "SUBJECT",
    "Action",
    "Assurance",
    "BasisClaim",
    "BasisKind",
    "BasisUsed",
    "Blocked",
    "Check",
    "Conflict",
    "Evidence",
    "Exemption",
    "Fact",
    "Facts",
    "Filed",
    "Found",
    "Held",
    "NotFound",
    "OnFile",
    "Permit",
    "Person",
    "Power",
    "Problem",
    "ProofKind",
    "ReasonCode",
    "Record",
    "RecordState",
    "Refusal",
    "Removed",
    "Request",
    "Subject",
    "Submission",
    "Submitted",
    "Value",
    "Withheld",
]
