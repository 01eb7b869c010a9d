"""Playing a data consumer: a request file signed, published, its reply awaited and believed only after checking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consent.vocabulary import Action
from gateway import assembly, client, inbound
from gateway import serve as house
from gateway.inbound import body
from gateway.inbound.misread import NotUnderstood
from gateway.jws import PublicKey
from gateway.ports import Outbound
from gateway.stages import Errand, ReplyType, request_of

_YES: Final = frozenset({ReplyType.EVIDENCE_ANSWER, ReplyType.SUBMIT_RECEIPT, ReplyType.CONSENT_RECEIPT})
_TYPES: Final = {".json": "application/json", ".xml": "application/xml"}


class NoRequest(Exception):
    """The file can't be sent as a request; `why` names what is wrong, never content."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Letter:
    """A request as sent, and the reply as received and checked; None when none came in time."""

    request: Outbound = field(repr=False)
    reply: client.Verified | None = field(repr=False)

    @property
    def answered(self) -> bool:
        return self.reply is not None and self.reply.message.type in _YES


@asynccontextmanager
async def served(opened: assembly.Opened) -> AsyncIterator[None]:
    """Serve in this process for as long as it lasts, unless another one does."""
    if await opened.is_served():
        yield
        return
    bus, stop = await opened.bus(), asyncio.Event()
    await opened.law.begin()
    serving = asyncio.create_task(house.serve(opened.service(bus), stop))
    try:
        yield
    finally:
        stop.set()
        await serving
        await bus.close()


async def send(
    opened: assembly.Opened, file: Path, consumer: client.Consumer, timeout_seconds: float
) -> Letter:
    """In: a request file (.xml or .json), who asks. Raises: NoRequest, client.ReplyInvalid, BusUnavailable."""
    return await post(opened, question(opened, file, consumer), consumer, timeout_seconds)


async def post(
    opened: assembly.Opened,
    request: Outbound,
    consumer: client.Consumer,
    timeout_seconds: float,
    amqp: str | None = None,
) -> Letter:
    """In: a signed request; the consumer's own URL, where the bus is a broker.

    Raises: client.ReplyInvalid, BusUnavailable, Undeliverable, ConfigurationFault.
    """
    bus = opened.consumer_bus(amqp)
    try:
        reply = await client.ask(bus, request, consumer, _gateway(opened), timeout_seconds)
        return Letter(request, reply)
    finally:
        await bus.close()


def question(
    opened: assembly.Opened, file: Path, consumer: client.Consumer, *, encrypt: bool = False
) -> Outbound:
    """Out: the signed request, encrypted to the gateway if it is to be. Its routing key and message id are those its
    body has. Raises: NoRequest."""
    content_type = _TYPES.get(file.suffix)
    if content_type is None:
        raise NoRequest("a request is an .xml or a .json file")
    said = file.read_bytes()
    errand, about = _read(opened, said, content_type, consumer)
    request = request_of(errand)
    return client.question(
        consumer,
        _gateway(opened),
        f"{about}.{request.evidence}" if request.action is not Action.RECORD else about,
        said,
        content_type,
        message_id=request.message,
        now=opened.house.clock.now(),
        encrypt_to=_key_of(opened) if encrypt else None,
    )


def _key_of(opened: assembly.Opened) -> PublicKey:
    """Out: what is encrypted to."""
    keys = opened.keys.encryption(opened.house.clock.now())
    if not keys:
        raise NoRequest("the house has no key to encrypt to: `einmal keys rotate encryption` makes one")
    return keys[0]


def _read(
    opened: assembly.Opened, said: bytes, content_type: str, consumer: client.Consumer
) -> tuple[Errand, str]:
    """Out: what the file asks for, and the beginning of the way it goes: all of it, for what is about records."""
    languages, policy = opened.house.languages, opened.home.policy
    try:
        heard = body.parse(content_type, said, languages)
        kind = heard.spoken.message.record if heard.spoken else _kind_of(heard.json)
        about = kind.removesuffix(".request")
        record = body.record(heard, kind)
        message_id = str(record.get("message_id") or opened.house.ids.new())
        reader = inbound.reader(f"{consumer.id}.{about}", heard.language)[1]
        return reader(record, message_id, heard.language, policy.consumers[consumer.id], policy), about
    except NotUnderstood as why:
        raise NoRequest(f"the request can't be read: {why.code}") from None


def _kind_of(record: object) -> str:
    """Out: which record a JSON body is: each has keys that no other one has."""
    keys = record.keys() if isinstance(record, dict) else set()
    known = (("values", "submit.request"), ("evidence", "evidence.request"), ("terms", "consent.give"))
    named = next((kind for key, kind in known if key in keys), None)
    return named or ("consent.withdraw" if "record" in keys else "consent.list")


def _gateway(opened: assembly.Opened) -> client.Gateway:
    settings = opened.home.settings
    return client.Gateway(settings.authority.audience, settings.bus.namespace, opened.keys.find)
