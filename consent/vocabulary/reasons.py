"""The checks, what became of them, and the closed list of reasons a message is not answered for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias


class Check(StrEnum):
    """The checks of DOMAIN.md 3, in their order. Their outcomes are an event's `facts`."""

    AUTHENTIC = "authentic"
    SENDER = "sender"
    MESSAGE = "message"
    GRANT = "grant"
    BASIS_KIND = "basis-kind"
    BASIS_RECORD = "basis-record"
    BASIS_STATE = "basis-state"
    BASIS_PERIOD = "basis-period"
    BASIS_USES = "basis-uses"
    BASIS_MATCH = "basis-match"
    FIELDS = "fields"
    REPRESENTATION = "representation"
    SPECIAL_CATEGORY = "special-category"
    IDNR = "idnr"
    SUBJECT = "subject"
    HOLD = "hold"
    JOURNAL = "journal"
    PREVIEW = "preview"
    BOUNDARY = "boundary"
    ANSWER = "answer"


class Fact(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_NEEDED = "not-needed"


Facts: TypeAlias = Mapping[Check, Fact]


class ReasonCode(StrEnum):
    """Why a message was not answered: the closed list a data consumer can rely on (docs/reasons.md)."""

    # 1 authentic, meant for us, fresh, not replayed
    UNSIGNED = "unsigned"
    SIGNATURE_INVALID = "signature-invalid"
    KEY_UNKNOWN = "key-unknown"
    KEY_NOT_VALID = "key-not-valid"
    NOT_FOR_US = "not-for-us"
    NOT_FRESH = "not-fresh"
    DEADLINE_PASSED = "deadline-passed"
    MESSAGE_ID_MISMATCH = "message-id-mismatch"
    MESSAGE_ID_REUSED = "message-id-reused"
    ALREADY_SETTLED = "already-settled"
    WITHDRAWN_SINCE = "withdrawn-since"
    # 2 sender
    SENDER_MISMATCH = "sender-mismatch"
    REPLY_QUEUE_FOREIGN = "reply-queue-foreign"
    # 3 message
    TOO_LARGE = "too-large"
    CONTENT_TYPE_UNKNOWN = "content-type-unknown"
    MALFORMED = "malformed"
    STANDARD_UNKNOWN = "standard-unknown"
    STANDARD_NOT_AGREED = "standard-not-agreed"
    SCHEMA_INVALID = "schema-invalid"
    RULE_VIOLATED = "rule-violated"
    ROUTING_MISMATCH = "routing-mismatch"
    EVIDENCE_UNKNOWN = "evidence-unknown"
    TEST_MESSAGE = "test-message"
    ENCRYPTION_REQUIRED = "encryption-required"
    ENCRYPTION_INVALID = "encryption-invalid"
    ENCRYPTION_KEY_MISSING = "encryption-key-missing"
    NOT_SUPPORTED = "not-supported"
    # 4 grant
    NO_GRANT = "no-grant"
    REGISTER_AMBIGUOUS = "register-ambiguous"
    # 5-10 basis
    BASIS_KIND_NOT_ALLOWED = "basis-kind-not-allowed"
    NO_BASIS = "no-basis"
    RECORDER_NOT_ACCEPTED = "recorder-not-accepted"
    RECORD_NOT_AUTHENTIC = "record-not-authentic"
    ASSURANCE_INSUFFICIENT = "assurance-insufficient"
    BASIS_NOT_GIVEN = "basis-not-given"
    BASIS_WITHDRAWN = "basis-withdrawn"
    BASIS_OUTSIDE_PERIOD = "basis-outside-period"
    BASIS_USED_UP = "basis-used-up"
    BASIS_MISMATCH = "basis-mismatch"
    # 11-14
    FIELDS_NOT_PERMITTED = "fields-not-permitted"
    NOT_REPRESENTED = "not-represented"
    SPECIAL_CATEGORY = "special-category"
    # 15-16
    SUBJECT_INSUFFICIENT = "subject-insufficient"
    IDENTITY_NOT_PERMITTED = "identity-not-permitted"
    NO_DATA = "no-data"
    HELD = "held"
    CONFLICT = "conflict"
    # 18-20
    PREVIEW_REQUIRED = "preview-required"
    BASIS_CHANGED = "basis-changed"
    ANSWER_INVALID = "answer-invalid"
    # an error while deciding refuses
    UNDECIDABLE = "undecidable"
