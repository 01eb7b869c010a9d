"""Faults: exceptions that say whose fault it is and whether trying again can help. Never content.

A refusal is a value (`consent.vocabulary.Refusal`); a fault is raised by adapters, mapped at the port
from the foreign exception (`raise … from None` where the foreign text could carry personal data).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from consent.vocabulary import Problem


class FaultCode(StrEnum):
    """Why an exchange failed, as the asker is told (closed list, docs/reasons.md)."""

    REGISTER_UNAVAILABLE = "register-unavailable"
    REGISTER_TIMEOUT = "register-timeout"
    REGISTER_PROTOCOL = "register-protocol"
    ANSWER_INVALID = "answer-invalid"
    INTERNAL = "internal"


class Fault(Exception):
    """Something failed that is nobody's refusal. `where` is a configured name (register id, file), never content."""

    whose: ClassVar[Literal["register", "ours", "configuration"]] = "ours"
    code: FaultCode = FaultCode.INTERNAL
    curable: bool = False

    def __init__(self, where: str) -> None:
        super().__init__(f"{self.code} at {where}")
        self.where = where


class RegisterUnavailable(Fault):
    """The register can't be reached; a retry may help."""

    whose = "register"
    code = FaultCode.REGISTER_UNAVAILABLE
    curable = True


class RegisterTimeout(Fault):
    """The register did not answer within its time; a retry may help."""

    whose = "register"
    code = FaultCode.REGISTER_TIMEOUT
    curable = True


class RegisterProtocol(Fault):
    """The register answered nonsense; asking again would get the same."""

    whose = "register"
    code = FaultCode.REGISTER_PROTOCOL


class AnswerInvalid(Fault):
    """Our own words did not validate against the asker's schema: a mapping or a register's value is wrong."""

    whose = "configuration"
    code = FaultCode.ANSWER_INVALID


class JournalUnavailable(Fault):
    """The journal can't be written: the exchange stops, the delivery stays on the bus, nothing is sent."""

    curable = True


class BusUnavailable(Fault):
    """The bus can't be reached or can't write; what is unacknowledged comes back by itself."""

    curable = True


class Undeliverable(Fault):
    """The bus has no such queue, or takes no message of that size: sending again would end the same."""


class WitnessUnavailable(Fault):
    """Another authority's witness gave no usable answer; the next time it may. `why` says it in plain words of ours."""

    curable = True

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where} ({why})")
        self.why = why


class Unwitnessed(Fault):
    """Fewer witnesses than wanted have cosigned what was to be handed out. `where` says who did not, and why."""

    curable = True


class ConfigurationFault(Exception):
    """The home is wrong. Carries every problem at once, each located and with its mend."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
