"""`embedded`: whole exchanges on the embedded bus and SQLite, from the bus to the reply and its acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from consent.ledger import Authentication, Named, Notice, Step
from consent.vocabulary import BasisKind, RecordState
from gateway import assembly, client, records, serve
from gateway.assembly import Opened
from gateway.cli.bench import budget as budgeting
from gateway.cli.bench import floor
from gateway.cli.bench.measuring import elapsed
from gateway.cli.demo.home import key_file
from gateway.cli.demo.people import Person, people
from gateway.ports import Bus, Outbound
from gateway.stages import Delivery, Outgoing

EXCHANGES: Final = 3_000
PEOPLE: Final = 400
CONSUMER: Final = "wohngeldstelle"
LANGUAGE: Final = "xeinmal/1.0"
FIELDS: Final = ("family_name", "given_names", "street", "house_number", "postcode", "town")
ROW: Final = (
    "select id, idnr, auskunftssperre, familienname, vornamen, strasse, hausnummer, plz, ort "
    "from person where idnr = ?"
)


@dataclass(slots=True)
class Counted:
    """A bus that says when so many deliveries are acknowledged, and remembers one reply."""

    bus: Bus
    left: int
    done: asyncio.Event = field(default_factory=asyncio.Event)
    reply: Outgoing | None = None

    def deliveries(self) -> AsyncIterator[Delivery]:
        return self.bus.deliveries()

    async def send(self, message: Outgoing) -> None:
        self.reply = message
        await self.bus.send(message)

    async def ack(self, delivery: Delivery) -> None:
        await self.bus.ack(delivery)
        self.left -= 1
        if self.left == 0:
            self.done.set()

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        await self.bus.postpone(delivery, not_before)

    async def bury(self, delivery: Delivery) -> None:
        await self.bus.bury(delivery)

    async def declare(self, consumers: Iterable[str]) -> None:
        await self.bus.declare(consumers)

    async def forget(self, before: datetime) -> int:
        return await self.bus.forget(before)

    async def stop(self) -> None:
        await self.bus.stop()

    async def close(self) -> None:
        await self.bus.close()


async def run(opened: Opened, folder: Path) -> dict[str, Any]:
    """Out: exchanges a second at the home's concurrency, and how a whole exchange compares with its floor.

    Housing benefit asks for residence by the applicant's choice: the way with the most checks.
    """
    asked = [person for person in people() if person.idnr and not person.blocked][:PEOPLE]
    for number, person in enumerate(asked):
        await _chooses(opened, person, number)
    requests = [_request(opened, asked[number % PEOPLE], number % PEOPLE) for number in range(EXCHANGES)]
    bus, consumer_bus = await opened.bus(), opened.consumer_bus()
    await asyncio.gather(*(consumer_bus.publish(request) for request in requests))
    counted = Counted(bus, len(requests))
    seconds, processor = await elapsed(_served(opened, counted))
    await bus.close()
    await consumer_bus.close()
    assert counted.reply is not None
    assert counted.reply.type == "evidence.answer"
    parts = floor.run(_sample(opened, requests[0], counted.reply, asked[0]), folder)
    budget = await budgeting.run(opened, requests[0])
    exchange_us, floor_us = seconds / len(requests) * 1e6, sum(parts.values())
    return {
        "ratio": round(exchange_us / floor_us, 2),
        "exchanges_per_s": round(len(requests) / seconds),
        "exchange_us": round(exchange_us),
        "exchange_cpu_us": round(processor / len(requests) * 1e6),
        "floor_us": round(floor_us),
        "floor": {name: round(us, 1) for name, us in parts.items()},
        "budget_us": {**budget, "sum": round(sum(budget.values()), 1)},
        "request_bytes": len(requests[0].body),
        "concurrency": opened.home.settings.limits.concurrency,
    }


async def _served(opened: Opened, bus: Counted) -> None:
    stop = asyncio.Event()
    serving = asyncio.create_task(serve.serve(opened.service(bus), stop))
    await bus.done.wait()
    stop.set()
    await serving


async def _chooses(opened: Opened, person: Person, number: int) -> None:
    now = opened.house.clock.now()
    terms: dict[str, Any] = {
        "record": opened.house.ids.new(),
        "revision": 1,
        "state": RecordState.GIVEN,
        "time": now,
        "kind": BasisKind.CHOICE,
        "subject": Named(idnr=person.idnr, birth_date=person.birth_date),
        "controller": "Stadt Musterstadt",
        "recipient": CONSUMER,
        "register": "melderegister",
        "evidence": "residence",
        "fields": frozenset(FIELDS),
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": f"WG-{number}",
        "norm": "EGovG § 5",
        "notice": Notice(version="1", sha256="0" * 64, language="de"),
        "channel": "online",
        "authentication": Authentication(level="high", event="bench"),
        "not_before": now - timedelta(minutes=1),
        "not_after": now + timedelta(days=1),
        "recorded_by": "buergerportal",
    }
    await records.begin(Step(**terms), opened.journal, opened.keys.gateway, now)


def _request(opened: Opened, person: Person, number: int) -> Outbound:
    house, settings = opened.house, opened.home.settings
    record = {
        "message_id": house.ids.new(),
        "created": f"{house.clock.now():%Y-%m-%dT%H:%M:%S}.000Z",
        "author": {"directory": "einmal", "id": CONSUMER, "name": "Wohngeldstelle Musterstadt"},
        "reader": {"directory": "einmal", "id": "melderegister", "name": "Melderegister"},
        "evidence": "residence",
        "register": "melderegister",
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": f"WG-{number}",
        "basis": {"kind": "choice"},
        "fields": list(FIELDS),
        "subject": {"idnr": person.idnr, "birth_date": person.birth_date.isoformat()},
    }
    spoken = house.languages.message(LANGUAGE, "evidence.request")
    assert spoken is not None
    asker = client.Consumer(
        CONSUMER, CONSUMER, assembly.read_key(key_file(opened.home.root, f"consumers/{CONSUMER}"))
    )
    gateway = client.Gateway(settings.authority.audience, settings.bus.namespace, opened.keys.find)
    return client.question(
        asker,
        gateway,
        "evidence.residence",
        spoken.write(record, house.languages.limits),
        "application/xml",
        message_id=str(record["message_id"]),
        now=house.clock.now(),
    )


def _sample(opened: Opened, request: Outbound, reply: Outgoing, person: Person) -> floor.Sample:
    spoken = opened.house.languages.message(LANGUAGE, "evidence.request")
    assert spoken is not None
    assert spoken.standard.schema is not None
    register = opened.home.root / "registers/melderegister.sqlite3"
    return floor.Sample(request.body, reply.body, spoken.standard.schema, register, ROW, str(person.idnr))
