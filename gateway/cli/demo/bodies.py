"""The story's messages as their senders write them: requests and submissions in either language, orders as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from consent.policy import Policy
from gateway.cli.demo.people import TOWN, Person, people
from gateway.cli.demo.script import Matter
from xoev_schemas.languages import JSON, Languages

PORTAL: Final = "buergerportal"
"""Where decisions are recorded."""
NOTICE: Final = (
    "Ich entscheide, dass die genannte Behörde den genannten Nachweis selbst beim Register abruft."
)
"""What the portal showed; only its hash is kept."""
DAYS: Final = 30
"""How long a decision of the story lasts."""
_BLOCKED: Final = next(person for person in people() if person.blocked)
CAST: Final[Mapping[str, Person]] = {
    **dict(zip(("anna", "ben", "mia", "tom"), people(), strict=False)),
    "blocked": _BLOCKED,
    "nobody": replace(_BLOCKED, number=0, given_names="Niemand", family_name="Niemand", blocked=False),
}
"""Who comes up, by the name the story has for them; `nobody` is in no register."""


@dataclass(frozen=True, slots=True)
class Head:
    """What every message says first."""

    message_id: str
    now: datetime

    def record(self) -> dict[str, Any]:
        return {"message_id": self.message_id, "created": f"{self.now:%Y-%m-%dT%H:%M:%S}.000Z"}


def request(matter: Matter, power: str | None, head: Head) -> dict[str, Any]:
    """Out: evidence.request, or submit.request where the matter has values."""
    record = head.record() | {
        "evidence": matter.evidence,
        "register": matter.register_,
        "purpose": matter.purpose,
        "procedure": matter.procedure,
        "case": matter.case,
        "basis": {"kind": matter.basis},
        "subject": named(CAST[matter.who], matter.by),
        "on_behalf_of": matter.on_behalf_of,
        "representative": power if matter.values else None,
    }
    if matter.values:
        record |= {
            "values": _filled(matter.values, head.now),
            "replaces": _filled(matter.replaces, head.now),
        }
    else:
        record["fields"] = list(matter.fields_)
    return {key: value for key, value in record.items() if value is not None}


def decision(matter: Matter, power: str | None, controller: str, head: Head) -> dict[str, Any]:
    """Out: consent.give for a choice or a consent; under a power, where Anna acts for a child."""
    terms = {
        "kind": matter.basis,
        "subject": _fully(CAST[matter.who]),
        "controller": controller,
        "recipient": matter.consumer,
        "register": matter.register_,
        "evidence": matter.evidence,
        "fields": sorted(matter.wanted()),
        "purpose": matter.purpose,
        "procedure": matter.procedure,
        "case": matter.case,
        "norm": matter.norm,
        "notice": {"version": "1", "sha256": sha256(NOTICE.encode()).hexdigest(), "language": "de"},
        "channel": "online",
        **_lasting(head.now),
    }
    if matter.max_uses is not None:
        terms["max_uses"] = matter.max_uses
    if power is not None:
        terms["representative"] = {"record": power, "proof": "parental-responsibility"}
    return head.record() | {"terms": terms}


def parental_power(child: str, head: Head) -> dict[str, Any]:
    """Out: consent.give for the power of Anna, as a parent, to act for a child."""
    terms = {
        "kind": "representation",
        "subject": _fully(CAST[child]),
        "representative": _fully(CAST["anna"]),
        "proof": "parental-responsibility",
        "norm": "BGB § 1629",
        **_lasting(head.now),
    }
    return head.record() | {"terms": terms}


def withdrawal(matter: Matter, record: str, head: Head) -> dict[str, Any]:
    """Out: consent.withdraw."""
    return head.record() | {"record": record, "subject": named(CAST[matter.who], matter.by)}


def written(record: dict[str, Any], matter: Matter | None, policy: Policy, languages: Languages) -> bytes:
    """In: a message's record; its matter, unless it is an order. Out: its bytes in the sender's language."""
    if matter is None or matter.language == JSON:
        return json.dumps(record, ensure_ascii=False, indent=2).encode()
    office, register = policy.consumers[matter.consumer], policy.registers[matter.register_]
    spoken = languages.message(matter.language, "submit.request" if matter.values else "evidence.request")
    assert spoken is not None
    parties = {
        "author": {"directory": "einmal", "id": office.id, "name": office.title.de},
        "reader": {"directory": "einmal", "id": register.id, "name": register.title.de},
    }
    return spoken.write(record | parties, languages.limits)


def named(person: Person, by: str) -> dict[str, Any]:
    """Out: the person as a message names them."""
    born = {"birth_date": person.birth_date.isoformat()}
    if by == "idnr":
        return {"idnr": person.idnr, **born}
    return {"family_name": person.family_name, "given_name": person.given_names, **born}


def _fully(person: Person) -> dict[str, Any]:
    """Out: the person as the portal knows them, so that a record is theirs however a message names them."""
    return named(person, "idnr") | named(person, "name")


def _lasting(now: datetime) -> dict[str, Any]:
    """Out: from when to when, and how sure it is who decided."""
    return {
        "authentication": {"level": "substantial", "event": "portal-login"},
        "not_before": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{now + timedelta(days=DAYS):%Y-%m-%dT%H:%M:%SZ}",
    }


def _filled(texts: Mapping[str, str], now: datetime) -> dict[str, str]:
    words = {**CAST, "today": now.date(), "town": TOWN}
    return {name: text.format_map(words) for name, text in texts.items()}
