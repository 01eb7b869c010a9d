"""`decide`: does deciding take longer when a town has a hundred times the grants?"""

from __future__ import annotations

import tomllib
from base64 import urlsafe_b64encode
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from consent.decide import decide
from consent.policy import Policy, Settings, read
from consent.problems import Document
from consent.vocabulary import BasisClaim, BasisKind, Permit, Request, Subject
from gateway.cli.bench.measuring import per_call_us

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_FEW, _MANY = 100, 10_000
_CONSUMERS = 100


def run() -> dict[str, Any]:
    """Out: microseconds a decision takes at 100 and at 10,000 grants, and their ratio."""
    few, many = (_us(_policy(count)) for count in (_FEW, _MANY))
    return {
        "growth": round(many / few, 3),
        "us_at_100_grants": round(few, 1),
        "us_at_10k_grants": round(many, 1),
    }


def _us(policy: Policy) -> float:
    request = Request(
        message="m",
        consumer="consumer-7",
        language="json/1.0",
        evidence="residence",
        purpose="purpose-0",
        procedure="procedure-0",
        case="c",
        subject=Subject(family_name="Beispiel", given_name="Anna", birth_date=date(1990, 5, 17)),
        basis=BasisClaim(kind=BasisKind.STATUTORY),
    )
    permit = decide(request, policy, (), NOW)
    assert isinstance(permit, Permit)
    return per_call_us(lambda: decide(request, policy, (), NOW))


def _policy(grants: int) -> Policy:
    """Out: a policy of that many grants: every consumer has its share, each for a procedure of its own."""
    share = grants // _CONSUMERS
    validity = "valid_from = 2026-01-01T00:00:00Z\nvalid_to = 2027-12-31T00:00:00Z"
    title = 'title = { de = "A", en = "A" }'
    files = {
        f"consumers/consumer-{n}.toml": f'id = "consumer-{n}"\n{title}\nbus_user = "consumer-{n}"\n'
        f'standards = ["json/1.0"]\n[[key]]\nkid = "consumer-{n}"\nuse = "sig"\n{validity}\n'
        f"jwk = {_key(f'consumer-{n}')}\n"
        for n in range(_CONSUMERS)
    }
    files["registers/melderegister.toml"] = (
        f'id = "melderegister"\n{title}\nauthority = {{ de = "A", en = "A" }}\nadapter = "sql"\n[sql]\n'
        '[[evidence]]\ntype = "residence"\n'
        f'{title}\n[evidence.fields]\nstreet = "strasse"\n'
    )
    files["purposes.toml"] = f'[[purpose]]\ncode = "purpose-0"\n{title}\nnorm = "N"\n' + "".join(
        f'[[procedure]]\ncode = "procedure-{n}"\npurpose = "purpose-0"\n{title}\n' for n in range(share)
    )
    for name, role in (
        ("leitung", 'role = "register-owner"\nregisters = ["melderegister"]'),
        ("zweite", 'role = "approver"'),
    ):
        files[f"people/{name}.toml"] = f'id = "{name}"\n{role}\n{validity}\njwk = {_key(name)}\n'
    files["grants/all.toml"] = "".join(
        f'[[grant]]\nid = "grant-{n}-{m}"\nconsumer = "consumer-{n}"\nregister = "melderegister"\n'
        f'evidence = "residence"\nfields = ["street"]\npurpose = "purpose-0"\nprocedures = ["procedure-{m}"]\n'
        'basis = ["statutory"]\nnorm = "N"\nrecorded_by = []\nblocked = "hide"\nretention = "24m"\n'
        "valid_from = 2026-01-01\nvalid_to = 2027-12-31\n"
        for n in range(_CONSUMERS)
        for m in range(share)
    )
    documents = [
        Document(
            name, text.encode(), tomllib.loads(text), signature=b"{}" if name.startswith("grants/") else None
        )
        for name, text in files.items()
    ]
    policy = read(documents, Settings(True, ("24m",)), lambda *_: ("leitung", "zweite"), NOW)
    assert isinstance(policy, Policy), policy[:3]
    return policy


def _key(name: str) -> str:
    """Out: something of the form of a public key; nothing is signed with it."""
    x = urlsafe_b64encode(sha256(name.encode()).digest()).decode().rstrip("=")
    return f'{{ kty = "OKP", crv = "Ed25519", x = "{x}" }}'
