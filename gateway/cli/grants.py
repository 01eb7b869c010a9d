"""`einmal grants`: who may ask which register for what, since when, until when. Making and ending: `granting.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from consent.expiry import ending
from consent.grants import Grant, content_hash
from consent.policy import Policy
from consent.vocabulary import Problem
from gateway import assembly
from gateway.cli import console, granting

RELOAD = "`einmal reload` puts it in force"
GrantId = Annotated[str, typer.Argument(metavar="ID", help="The grant's id.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who may ask which register for what.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("expiring")(expiring)
    granting.register(group)
    app.add_typer(group, name="grants")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A grant, as the law in force and the files beside it have it."""

    grant: Grant
    policy: Policy
    """The one it is shown from: the law in force, or the files where it is not in force."""
    state: str


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is to be seen, today."""

    law: Policy | None
    files: Policy | None
    problems: tuple[Problem, ...]
    today: date

    @property
    def known(self) -> Policy:
        """The law in force; where none ever was, the one the files say."""
        found = self.law or self.files
        assert found is not None, "a home without either does not open"
        return found

    def seen(self) -> Iterator[_Seen]:
        """Out: every grant there is, by id."""
        law, files = self.law.grants if self.law else {}, self.files.grants if self.files else {}
        for name in sorted(law.keys() | files.keys()):
            if self.law is not None and name in law:
                state = _state(law[name], self.law, self.today)
                if self.files is not None and name not in files:
                    state += "; gone from the files"
                elif self.files is not None and content_hash(files[name]) != content_hash(law[name]):
                    state += "; changed in the files"
                elif self.files is not None and (name in self.files.revocations) > (
                    name in self.law.revocations
                ):
                    state += "; revoked in the files"
                yield _Seen(law[name], self.law, state)
            elif self.files is not None:
                yield _Seen(files[name], self.files, f"not in force: {RELOAD}")

    def tell(self) -> None:
        """Say when the files don't count."""
        if self.law is not None and self.files is None:
            many = console.count(len(self.problems), "mistake")
            console.prose(f"This is the law in force. The files have {many}: see `einmal check`.")


def list_(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every grant: who, what, what for, until when, whether it counts."""
    look = asyncio.run(_look(home))
    seen = list(look.seen())
    if as_json:
        console.as_json([_facts(one) for one in seen])
        return
    if not seen:
        console.say("There is no grant: nobody may ask for anything. `einmal grants new` writes one.")
    else:
        console.table(
            ("grant", "consumer", "register", "evidence", "purpose", "basis", "fields", "until", "state"),
            [
                (
                    one.grant.id,
                    one.grant.consumer,
                    one.grant.register,
                    one.grant.evidence + (" (submit)" if one.grant.write else ""),
                    one.grant.purpose,
                    ", ".join(one.grant.basis),
                    str(len(one.grant.fields)),
                    f"{one.grant.valid_to}",
                    one.state,
                )
                for one in seen
            ],
        )
    look.tell()


def show(name: GrantId, home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """One grant with everything it says, in plain words."""
    look = asyncio.run(_look(home))
    seen = {one.grant.id: one for one in look.seen()}
    if name not in seen:
        console.usage(f"no grant {name!r}; there are: {', '.join(seen) or 'none'}")
    if as_json:
        console.as_json(_facts(seen[name]))
        return
    grant, policy = seen[name].grant, seen[name].policy
    consumer, register_ = policy.consumers[grant.consumer], policy.registers[grant.register]
    kind = policy.evidence(grant.register, grant.evidence)
    does = "submit to" if grant.write else "ask"
    console.say(
        f"{consumer.title.en} may {does} {register_.title.en}: {kind.title.en if kind else grant.evidence}",
        "bold",
    )
    for word, text in _words(seen[name]):
        console.prose(f"  {word:12} {text}")
    look.tell()


def expiring(
    days: Annotated[int, typer.Option(min=0, max=3660, help="How far to look, in days.")] = 90,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Grants and keys that end soon, or have just ended."""
    look = asyncio.run(_look(home))
    now = assembly.now()
    found = ending(look.known, now, days)
    if as_json:
        console.as_json(
            [
                {"what": one.what, "name": one.name, "whose": one.whose, "last_day": one.last.isoformat()}
                for one in found
            ]
        )
        return
    if not found:
        console.say(f"Nothing ends within {console.count(days, 'day')}, or has ended in as many.")
        return
    console.table(
        ("last day", "what", "name", "whose", ""),
        [(f"{one.last}", one.what, one.name, one.whose, _left(one.last, look.today)) for one in found],
    )


async def _look(home: Path) -> _Look:
    async with await assembly.open_house(home) as opened:
        law, reading = await opened.law.look()
        return _Look(law, reading.policy, reading.problems, opened.house.clock.now().date())


def _left(last: date, today: date) -> str:
    return f"in {console.count((last - today).days, 'day')}" if last >= today else "ended"


def _state(grant: Grant, policy: Policy, today: date) -> str:
    """Out: whether a grant of the law in force counts today, and why not."""
    revoked = policy.revocations.get(grant.id)
    if revoked is not None:
        return f"revoked on {revoked.time:%Y-%m-%d}"
    if today < grant.valid_from:
        return f"from {grant.valid_from}"
    if today > grant.valid_to:
        return "ended"
    newer = next((other for other in policy.grants.values() if other.predecessor == grant.id), None)
    if newer is not None:
        if newer.valid_from <= today:
            return f"replaced by {newer.id}"
        return f"in force, until {newer.valid_from - timedelta(days=1)}: then {newer.id}"
    return "in force"


def _words(seen: _Seen) -> Iterator[tuple[str, str]]:
    grant, policy = seen.grant, seen.policy
    purpose = policy.purposes[grant.purpose]
    yield "state", seen.state
    revoked = policy.revocations.get(grant.id)
    if revoked is not None:
        yield "because", revoked.reason
    yield "purpose", f"{purpose.title.en} ({purpose.norm})"
    yield "procedures", ", ".join(policy.procedures[code].title.en for code in sorted(grant.procedures))
    yield "basis", f"{', '.join(grant.basis)} ({grant.norm})"
    yield "recorded by", ", ".join(sorted(grant.recorded_by)) or "nobody: it is a statute"
    if grant.assurance is not None:
        yield "assurance", f"{grant.assurance} at least"
    yield "fields", ", ".join(sorted(grant.fields))
    if grant.default_fields is not None:
        yield "by default", ", ".join(sorted(grant.default_fields))
    if grant.on_behalf_of is not None:
        yield "on behalf of", policy.consumers[grant.on_behalf_of].title.en
    yield "representing", ", ".join(sorted(grant.representation)) or "nobody may act for the person"
    yield "by IDNr", "yes" if grant.idnr else "no"
    yield "blocked", grant.blocked
    if grant.exempt is not None:
        yield "told later", f"after {console.count(grant.exempt_days or 0, 'day')} ({grant.exempt})"
    yield "kept for", grant.retention
    yield "valid", f"{grant.valid_from} to {grant.valid_to}"
    if grant.predecessor is not None:
        yield "replaces", grant.predecessor
    yield "content", content_hash(grant)


def _facts(seen: _Seen) -> dict[str, object]:
    said = seen.grant.model_dump(mode="json", by_alias=True, exclude_none=True)
    facts = {
        key: sorted(value) if isinstance(value, list) and key != "basis" else value
        for key, value in said.items()
    }
    revoked = seen.policy.revocations.get(seen.grant.id)
    if revoked is not None:
        facts["revoked"] = {"time": revoked.time.isoformat(), "reason": revoked.reason}
    return facts | {"content_hash": content_hash(seen.grant), "state": seen.state}
