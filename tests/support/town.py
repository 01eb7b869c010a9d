"""A town to try things on: the demo's home with a clock that stands still until it is told, and its people's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from adapters.clock import SystemIds
from adapters.keys import new_key, read_key
from consent.ledger import Authentication, Named, Notice, Step
from consent.vocabulary import BasisKind, RecordState
from gateway import assembly, client, records
from gateway.cli.demo import home as demo_home
from gateway.cli.demo.people import Person
from gateway.cli.homes import STORAGE
from gateway.config.home import load
from gateway.config.signatures import verify
from gateway.ports import Outbound
from gateway.stages import Delivery

NOW: Final = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
IDS: Final = SystemIds()


@dataclass(slots=True)
class StillClock:
    """Port `Clock`: stands still until it is moved."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def passes(self, **time: float) -> None:
        self.moment += timedelta(**time)


@dataclass(slots=True)
class Town:
    """An opened home, and the keys of those who deal with it."""

    root: Path
    clock: StillClock
    opened: assembly.Opened = field(repr=False)

    def consumer(self, name: str) -> client.Consumer:
        """Out: a consumer with its secret key, which in real life stays with it."""
        key = read_key(demo_home.key_file(self.root, f"consumers/{name}"))
        return client.Consumer(name, self.opened.home.policy.consumers[name].bus_user, key)

    @property
    def gateway(self) -> client.Gateway:
        settings = self.opened.home.settings
        return client.Gateway(settings.authority.audience, settings.bus.namespace, self.opened.keys.find)

    def body(self, record: Mapping[str, Any], language: str = "xeinmal/1.0") -> tuple[bytes, str]:
        """In: a request's record. Out: its bytes in that language, and their content type."""
        if language == "json/1.0":
            return json.dumps(record, ensure_ascii=False).encode(), "application/json"
        kind = "submit.request" if "values" in record else "evidence.request"
        spoken = self.opened.house.languages.message(language, kind)
        assert spoken is not None
        return spoken.write(record, self.opened.house.languages.limits), "application/xml"

    def signed(self, record: Mapping[str, Any], consumer: str, language: str = "xeinmal/1.0") -> Outbound:
        """Out: the request as its consumer sends it."""
        body, content_type = self.body(record, language)
        return client.question(
            self.consumer(consumer),
            self.gateway,
            f"{about(record)}.{record['evidence']}",
            body,
            content_type,
            message_id=record["message_id"],
            now=self.clock.now(),
        )

    def delivery(self, request: Outbound, attempt: int = 1) -> Delivery:
        """Out: the request as the house's bus hands it over."""
        return Delivery(
            tag=request.message_id,
            message_id=request.message_id,
            routing_key=request.routing_key,
            content_type=request.content_type,
            body=request.body,
            jws=request.jws,
            user_id=request.user_id,
            reply_to=request.reply_to,
            correlation_id=request.correlation_id,
            received=self.clock.now(),
            attempt=attempt,
        )

    def asks(self, person: Person, **changed: Any) -> dict[str, Any]:
        """Out: the record of a question about a person: housing benefit's, unless changed. None leaves a key out."""
        record: dict[str, Any] = {
            "message_id": IDS.new(),
            "created": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "author": {"directory": "einmal", "id": "wohngeldstelle", "name": "Wohngeldstelle Musterstadt"},
            "reader": {"directory": "einmal", "id": "melderegister", "name": "Melderegister"},
            "evidence": "residence",
            "register": "melderegister",
            "purpose": "housing-benefit",
            "procedure": "wohngeld-antrag",
            "case": "WG-2026-1",
            "basis": {"kind": "choice"},
            "fields": ["family_name", "street", "town"],
            "subject": {"idnr": person.idnr, "birth_date": person.birth_date.isoformat()},
        }
        record |= changed
        return {key: value for key, value in record.items() if value is not None}

    def parking(self, person: Person, **changed: Any) -> dict[str, Any]:
        """Out: resident parking's question: by statute, the person named without IDNr."""
        author = {"directory": "einmal", "id": "parkraumbewirtschaftung", "name": "Parkraumbewirtschaftung"}
        parking: dict[str, Any] = {
            "author": author,
            "purpose": "resident-parking",
            "procedure": "bewohnerparkausweis",
            "case": "BP-2026-1",
            "basis": {"kind": "statutory"},
            "fields": ["family_name", "street", "house_number", "town"],
            "subject": {
                "family_name": person.family_name,
                "given_name": person.given_names,
                "birth_date": person.birth_date.isoformat(),
            },
        }
        return self.asks(person, **(parking | changed))

    def moves(self, person: Person, **changed: Any) -> dict[str, Any]:
        """Out: the record of a person's move, as the portal submits it: to another house of the same street."""
        moving: dict[str, Any] = {
            "author": {"directory": "einmal", "id": "buergerportal", "name": "Bürgerportal Musterstadt"},
            "purpose": "move",
            "procedure": "wohnsitz-ummeldung",
            "case": "UM-2026-1",
            "fields": None,
            "values": {"street": person.street, "house_number": "99z"},
            "replaces": {"house_number": person.house_number},
        }
        return self.asks(person, **(moving | changed))

    async def chooses(self, person: Person, case: str = "WG-2026-1", **changed: Any) -> str:
        """The person decides for housing benefit. Out: the record's id."""
        now = self.clock.now()
        terms: dict[str, Any] = {
            "record": IDS.new(),
            "revision": 1,
            "state": RecordState.GIVEN,
            "time": now,
            "kind": BasisKind.CHOICE,
            "subject": Named(idnr=person.idnr, birth_date=person.birth_date),
            "controller": "Stadt Musterstadt",
            "recipient": "wohngeldstelle",
            "register": "melderegister",
            "evidence": "residence",
            "fields": frozenset({"family_name", "given_names", "street", "house_number", "postcode", "town"}),
            "purpose": "housing-benefit",
            "procedure": "wohngeld-antrag",
            "case": case,
            "norm": "EGovG § 5",
            "notice": Notice(version="1", sha256="0" * 64, language="de"),
            "channel": "online",
            "authentication": Authentication(level="high", event="test"),
            "not_before": now - timedelta(minutes=1),
            "not_after": now + timedelta(days=30),
            "recorded_by": "buergerportal",
        }
        step = Step(**(terms | changed))
        await records.begin(step, self.opened.journal, self.opened.keys.gateway, now)
        return step.record

    async def withdraws(self, record: str) -> None:
        """The person takes the decision back."""
        opened = self.opened
        await records.move(
            record,
            RecordState.WITHDRAWN,
            "buergerportal",
            opened.store,
            opened.journal,
            opened.keys.gateway,
            self.clock.now(),
        )


def about(record: Mapping[str, Any]) -> str:
    """Out: which way a record goes: the second word of its routing key."""
    return "submit" if "values" in record else "evidence"


async def found(
    root: Path,
    clock: StillClock | None = None,
    *,
    oots: Callable[[Path], None] | None = None,
    storage: str | None = None,
) -> Town:
    """Found a town in an empty folder: files, keys, database, log, policy. In: what installs OOTS-EDM's schemas into
    a folder, where the town has an office that speaks it; the URL of its database, where that is no file."""
    clock = clock or StillClock()
    demo_home.write(root, clock.now().year, lambda kid: new_key(IDS, kid), oots is not None)
    if storage is not None:
        settings = root / "einmal.toml"
        settings.write_text(settings.read_text("utf-8").replace(STORAGE["storage"], storage), "utf-8")
    await assembly.create(root, clock, IDS)
    if oots is not None:
        schemas = root / "data/schemas"
        schemas.mkdir(exist_ok=True)
        oots(schemas)
    town = await opened(root, clock)
    await town.opened.adopt_policy()
    return town


async def opened(root: Path, clock: StillClock | None = None) -> Town:
    """Open a town that was founded before."""
    clock = clock or StillClock()
    return Town(root, clock, await assembly.open_house(root, clock, IDS))


def reloaded(root: Path, clock: StillClock) -> object:
    """Out: the home's files as they are now. Raises: ConfigurationFault."""
    return load(root, verify, clock.now())
