"""Cases of the law (tests/vectors/law, one file each): read strictly, tried, told in the words of a case.

A key that is not known here fails, so that no case means less than it says. A file has:

    fact                what it shows
    expect              permit | evidence | withheld | submitted | recorded | withdrawn | listed | a reason code
    checks              the checks that failed, for refusals and what is withheld
    now, test_identities
    [[grant]]           each as it differs from the sample's (tests/support/law_texts.py); left out = false
    [request] [[record]] [[power]]  as they differ from the sample's; none = no record, no power
    then one of:
    [found]             what the register returns, to be cut: values, persons, blocked, missing
    [received]          what the register did with a submission: answer, since, fields; may_ask
    [give] [give_power] what is to be recorded, as it differs from the sample's; by, test, for (whom the order names)
    [withdraw] [list]   record, by, subject
    [again]             decided again before it settles: grant, record, power, now; left out = unchanged
    [then]              what came of it, as far as it matters (`told`)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from law_sample import (
    ANNA,
    NOW,
    POWER_TERMS,
    SETTINGS,
    TERMS,
    give,
    order,
    policy,
    power,
    record,
    request,
)

from consent.decide import decide
from consent.minimise import minimise, still_permitted
from consent.orders import Listing, Withdraw
from consent.policy import Policy, Settings
from consent.receive import receive
from consent.recording import judge_give, judge_withdraw, listed
from consent.vocabulary import (
    Action,
    BasisClaim,
    BasisKind,
    Blocked,
    Conflict,
    Evidence,
    Facts,
    Filed,
    Found,
    Held,
    NotFound,
    OnFile,
    Permit,
    Person,
    Power,
    ReasonCode,
    Record,
    RecordState,
    Refusal,
    Request,
    Subject,
    Submitted,
    Withheld,
)

Table: TypeAlias = Mapping[str, Any]
Listed: TypeAlias = tuple[Record, ...]
Outcome: TypeAlias = Permit | Evidence | Withheld | Submitted | Refusal | Listed | str

LEFT_OUT: Final = False
EXPECTED: Final = {
    "permit",
    "evidence",
    "withheld",
    "submitted",
    "recorded",
    "withdrawn",
    "listed",
    *ReasonCode,
}
KEYS: Final = {
    "fact", "expect", "checks", "now", "test_identities", "grant", "request", "record", "power",
    "found", "received", "give", "give_power", "withdraw", "list", "again", "then",
}  # fmt: skip
ORDERS: Final = {"by", "test", "for"}


def known(table: Table, keys: set[str]) -> None:
    """Raise for a key that is not known."""
    unknown = table.keys() - keys
    assert not unknown, f"unknown keys: {sorted(unknown)}"


def names(kind: type) -> set[str]:
    return {item.name for item in fields(kind)}


def subject(table: Table) -> Subject:
    known(table, names(Subject))
    return Subject(**table)


def claim(table: Table) -> BasisClaim:
    known(table, names(BasisClaim))
    kind = BasisKind(table["kind"]) if "kind" in table else None
    return BasisClaim(kind, table.get("record"), table.get("norm"))


_Said: Final[Mapping[str, Any]] = {
    "subject": subject,
    "representative": lambda said: subject(said) if isinstance(said, Mapping) else said,
    "basis": claim,
    "fields": frozenset,
    "procedures": frozenset,
    "action": Action,
    "kind": BasisKind,
    "state": RecordState,
    "max_uses": lambda said: None if said is LEFT_OUT else said,
}
"""How what TOML can't say is said."""
_Kind = TypeVar("_Kind", Request, Record, Power)


def differing(kind: type[_Kind], make: Any, table: Table) -> _Kind:
    """Out: the sample's request, record or power, as the table says it differs."""
    known(table, names(kind))
    made: _Kind = make(**{name: _Said.get(name, lambda said: said)(said) for name, said in table.items()})
    return made


asked = partial(differing, Request, request)
recorded = partial(differing, Record, record)
empowered = partial(differing, Power, power)


def law(case: Table) -> Policy:
    grants = [
        {key: None if value is LEFT_OUT else value for key, value in grant.items()}
        for grant in case.get("grant", [{}])
    ]
    settings = Settings(case.get("test_identities", True), SETTINGS.retention_classes)
    return policy(*grants, settings=settings)


def held(case: Table) -> Sequence[Held]:
    there: list[Held] = [recorded(table) for table in case.get("record", [])]
    return there + [empowered(table) for table in case.get("power", [])]


def found(table: Table) -> Found | NotFound:
    known(table, {"values", "persons", "blocked", "missing"})
    if "missing" in table:
        return NotFound(table["missing"])
    values = {name: tuple(said) if isinstance(said, list) else said for name, said in table["values"].items()}
    persons = tuple(Person(**person) for person in table.get("persons", [{"subject": "idnr:02468135774"}]))
    return Found(values, persons, table.get("blocked", False))


def done(table: Table) -> Filed | OnFile | Conflict | Blocked | NotFound:
    """Out: what the register did with a submission."""
    known(table, {"answer", "since", "fields", "may_ask"})
    persons = (Person("idnr:02468135774"),)
    answers: Mapping[str, Filed | OnFile | Conflict | Blocked | NotFound] = {
        "filed": Filed(persons, NOW),
        "on-file": OnFile(persons, table.get("since")),
        "conflict": Conflict(persons, frozenset(table.get("fields", ()))),
        "blocked": Blocked(persons),
        "unknown": NotFound("unknown"),
        "ambiguous": NotFound("ambiguous"),
    }
    return answers[table["answer"]]


# --- what comes of a case -----------------------------------------------------------------------------------------
def outcome(case: Table) -> Outcome:
    """Out: what the law says of it."""
    known(case, KEYS)
    now, there, policy = case.get("now", NOW), held(case), law(case)
    if "give" in case:
        return _given(case["give"], TERMS, policy, there, now)
    if "give_power" in case:
        return _given(case["give_power"], POWER_TERMS, policy, there, now)
    if "withdraw" in case:
        return _withdrawn(case["withdraw"], policy, there, now)
    if "list" in case:
        said = case["list"]
        known(said, {"by", "subject", "test"})
        return listed(Listing(_ordered(said)), there, policy, now)
    wanted = asked(case.get("request", {}))
    decided = decide(wanted, policy, there, now)
    if isinstance(decided, Refusal):
        return decided
    if "received" in case:
        return receive(done(case["received"]), decided, case["received"].get("may_ask", False), now)
    if "found" not in case:
        return decided
    cut = minimise(found(case["found"]), decided)
    if "again" in case and isinstance(cut, Evidence):
        known(case["again"], {"grant", "record", "power", "now"})
        return _again(wanted, cut, {**case, **case["again"]})
    return cut


def _again(wanted: Request, cut: Evidence, case: Table) -> Evidence | Refusal:
    decided = decide(wanted, law(case), held(case), case.get("now", NOW))
    return decided if isinstance(decided, Refusal) else still_permitted(cut, decided)


def _given(said: Table, sample: Table, policy: Policy, there: Sequence[Held], now: datetime) -> Refusal | str:
    terms = {key: value for key, value in said.items() if key not in ORDERS}
    plain = json.loads(json.dumps(terms, default=lambda moment: moment.isoformat()))
    gone = [key for key, value in plain.items() if value is LEFT_OUT]
    base = {key: value for key, value in sample.items() if key not in gone}
    wanted = give(
        said.get("by", "buergerportal"), of=base, **{k: v for k, v in plain.items() if k not in gone}
    )
    asked_for: dict[str, Any] = {"test": said.get("test", False)}
    if "for" in said:
        asked_for["subject"] = subject(said["for"])
    wanted = replace(wanted, request=replace(wanted.request, **asked_for))
    return judge_give(wanted, policy, there, now) or "recorded"


def _ordered(said: Table) -> Request:
    who = subject(said["subject"]) if "subject" in said else ANNA
    return order(said.get("by", "buergerportal"), who, test=said.get("test", False))


def _withdrawn(said: Table, policy: Policy, there: Sequence[Held], now: datetime) -> Refusal | str:
    known(said, {"record", "by", "subject", "test"})
    named = said.get("record", "r-1")
    item = next((item for item in there if item.id == named), None)
    return judge_withdraw(Withdraw(_ordered(said), named), item, policy, now) or "withdrawn"


# --- in the words of a case ---------------------------------------------------------------------------------------
def expected(result: Outcome) -> str:
    """Out: the word for it in `expect`."""
    match result:
        case str():
            return result
        case Refusal(code=code):
            return code
        case tuple():
            return "listed"
        case _:
            return type(result).__name__.lower()


def refusal_in(result: Outcome) -> Refusal | None:
    """Out: what the asker is refused with."""
    return result.refusal if isinstance(result, Withheld) else result if isinstance(result, Refusal) else None


def facts_in(result: Outcome) -> Facts:
    """Out: what became of the checks."""
    refusal = refusal_in(result)
    if refusal is not None:
        return refusal.facts
    return result.facts if isinstance(result, Permit | Evidence | Submitted) else {}


def told(result: Outcome) -> Mapping[str, Any]:
    """Out: what a case may say about it, under the names it says it."""
    match result:
        case Permit():
            return _permit(result)
        case Evidence():
            values = {
                name: list(said) if isinstance(said, tuple) else said for name, said in result.values.items()
            }
            removed = [f"{one.field}: {one.rule}" for one in result.removed]
            more = {"values": values, "removed": removed, "notice": result.notice or LEFT_OUT}
            return {**_permit(result.permit), **more}
        case Submitted():
            since = LEFT_OUT if result.since is None else result.since
            return {"on_file": result.on_file, "since": since, "told": result.told}
        case Refusal() | Withheld():
            refusal = refusal_in(result)
            assert refusal is not None
            return {
                "code": refusal.code,
                "fields": sorted(refusal.fields),
                "grant": refusal.grant or LEFT_OUT,
                "exempt": _exempt(refusal),
            }
        case tuple():
            return {"records": [record.id for record in result]}
        case _:
            return {}


def _permit(permit: Permit) -> dict[str, Any]:
    return {
        "grant": permit.grant,
        "kind": permit.basis.kind,
        "norm": permit.basis.norm,
        "record": permit.basis.record or LEFT_OUT,
        "powers": [name for name, _ in permit.basis.powers],
        "ends": permit.basis.not_after or LEFT_OUT,
        "fields": sorted(permit.fields),
        "item": permit.item or LEFT_OUT,
        "idnr": permit.subject.idnr or LEFT_OUT,
        "exempt": _exempt(permit),
    }


def _exempt(decided: Permit | Refusal) -> date | bool:
    return LEFT_OUT if decided.exempt is None else decided.exempt.until
