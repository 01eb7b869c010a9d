"""Every way to ask wrongly ends once, is said clearly or kept in quarantine, and gives nothing away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import planted
import pytest
import pytest_asyncio
import town as towns
from bad_input_cases import NAMES, TABLE, Case
from journal_lines import ended, lines, owner, since
from letters import JSON
from odd_register import guarded
from town import Town

from gateway import inbound
from gateway.client import verified
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply, Silent
from xoev_schemas.safe_xml import Limits, parse

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPLIES: Final = {
    "refused": "evidence.refusal",
    "no-data": "evidence.refusal",
    "failed": "evidence.failure",
    "expired": "evidence.failure",
}
"""The AMQP type of the reply for each kind of ending; none for what is quarantined (DOMAIN.md 5)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for the table: every case is an exchange, a person's decision and an application of its own."""
    root = tmp_path_factory.mktemp("bad-input") / "home"
    copytree(founded, root)
    opened = await towns.opened(root)
    yield opened
    await opened.opened.close()


@pytest.mark.parametrize("case", TABLE, ids=NAMES)
async def test_it_ends_once_is_said_clearly_and_gives_nothing_away(
    shared: Town, case: Case, exceptions_watched: Any
) -> None:
    """One terminal line of the right kind and reason under the right label; a signed, valid reply without
    evidence, or none; the same again gives the same bytes and no line; no register before `asked`."""
    request = await case.make(shared)
    house, doors = guarded(shared.opened.house, shared.opened.store)
    before, seen = await lines(shared.opened.store), len(exceptions_watched.found)

    first = await handle(shared.delivery(request), house)

    told = await since(before, shared.opened.store)
    [exchange] = {line.exchange for line in told}
    assert exchange is not None
    assert ended(told, exchange) == case.kind
    end = told[-1]
    assert end.event["reasons"] == [case.reason]
    assert await owner(end, shared) == case.owner
    assert [line.kind for line in told] == [*(["asked"] if case.touched else []), case.kind]
    assert [door.touched for door in doors.values() if door.touched] == ([[exchange]] if case.touched else [])

    if case.kind in REPLIES:
        assert isinstance(first, Reply)
        believed(shared, first.message, request, case.kind, case.reason)
    else:
        assert isinstance(first, Silent)

    again = await handle(shared.delivery(request), house)
    assert await since(before, shared.opened.store) == told
    assert isinstance(again, type(first))
    if isinstance(first, Reply) and isinstance(again, Reply):
        assert again.message == first.message
    accepted, terminal, in_flight = await shared.opened.store.counts()
    assert (accepted, in_flight) == (terminal, 0)
    assert exceptions_watched.found[seen:] == []


def believed(town: Town, message: Outgoing, request: Outbound, kind: str, reason: str) -> None:
    """The reply is the gateway's, to this request, of the right type; valid by the house's schema; and says
    why, in both languages, and nothing about anybody."""
    consumer = town.consumer(request.routing_key.split(".")[0])
    assert verified(message, request, consumer, town.gateway).promise is not None
    assert message.type == REPLIES[kind].replace("evidence", inbound.about(request.routing_key))
    assert message.reply_to == request.reply_to
    if message.content_type == JSON:
        said = json.loads(message.body)
    else:
        spoken = town.opened.house.languages.message("xeinmal/1.0", REPLIES[kind])
        assert spoken is not None
        root = parse(message.body, Limits())
        assert spoken.schema.valid(root)
        said = spoken.message.mapping.read(root)
    assert said["code"] == reason
    assert said["in_reply_to"] == request.message_id
    assert said["message"]["de"] != said["message"]["en"]
    assert "values" not in said
    for marker in planted.MARKERS:
        assert marker.encode() not in message.body
