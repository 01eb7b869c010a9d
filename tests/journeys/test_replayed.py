"""Every decision that the journal tells of is made again from its line and the archived policy, and is the same."""

from __future__ import annotations

from typing import Any, Final

from journal_lines import lines
from law_changes import edit, takes_over
from letters import asking
from peopled import BLOCKED, NOBODY, ORDINARY
from submitting import PORTAL, submits
from town import Town

from consent.policy import Policy, from_archive
from consent.replay import replay
from consent.vocabulary import ReasonCode
from gateway.assembly.policies import unsealed
from gateway.audit.record import ANY_EVENT, Event
from gateway.audit.replayable import decided
from gateway.config.signatures import verify
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply

PARKING: Final = "parkraumbewirtschaftung"


async def settle(town: Town, request: Outbound) -> None:
    assert isinstance(await handle(town.delivery(request), town.opened.house), Reply)


async def asks(town: Town, consumer: str = "wohngeldstelle", **record: Any) -> None:
    await settle(town, asking(town, record, "json/1.0", consumer=consumer))


async def everything(town: Town) -> None:
    """Ask and submit in every way that ends differently, under two laws."""
    chosen = await town.chooses(ORDINARY)
    await asks(town, **town.asks(ORDINARY))
    await asks(town, **town.asks(ORDINARY, fields=["religion", "town"]))
    await asks(town, **town.asks(ORDINARY, purpose="resident-parking", procedure="bewohnerparkausweis"))
    for person in (ORDINARY, BLOCKED, NOBODY):
        await asks(town, PARKING, **town.parking(person))
    for person in (ORDINARY, BLOCKED):
        await settle(town, await submits(town, person))
    await asks(town, PARKING, **town.parking(ORDINARY, representative="v-9"))
    await asks(town, PORTAL, **town.moves(ORDINARY, purpose="housing-benefit", procedure="wohngeld-antrag"))
    await town.withdraws(chosen)
    await asks(town, **town.asks(ORDINARY))
    edit(town, "grants/parken.toml", '"street", ', "")
    await takes_over(town)
    await asks(town, PARKING, **town.parking(ORDINARY))


async def law_of(town: Town, digest: str) -> Policy:
    """Out: the policy of that time, from the archive."""
    kept = await town.opened.store.archived_policy(digest)
    assert kept is not None
    judged, archived = unsealed(digest, kept, town.opened.keys)
    assert judged is not None
    found = from_archive(archived, verify, judged)
    assert isinstance(found, Policy)
    return found


async def test_every_decision_of_the_journal_is_the_same_again(town: Town) -> None:
    """Under the policy that its line names, of a hall that has seen answers, submissions, refusals and no data; and
    not under a law that has changed in what decided."""
    await everything(town)
    told = [ANY_EVENT.validate_python(line.event) for line in await lines(town.opened.store)]
    exchanges = [event for event in told if isinstance(event, Event) and event.exchange]
    decisions = []
    for event in exchanges:
        if event.digests is not None and event.digests.policy is not None:
            law = await law_of(town, event.digests.policy)
            said = decided(event, law)
            decisions += [(event, law, said)] if said is not None else []
    now = await law_of(town, town.opened.house.policies.current().hash)
    changed = 0
    for event, law, said in decisions:
        assert replay(said, law).agrees(said), event.kind
        changed += not replay(said, now).agrees(said)
    assert changed > 0
    kinds = {str(event.kind) for event, _, _ in decisions}
    assert kinds == {"asked", "answered", "submitted", "refused", "no-data"}
    assert {said.reason for _, _, said in decisions} >= {
        None,
        ReasonCode.NO_GRANT,
        ReasonCode.FIELDS_NOT_PERMITTED,
        ReasonCode.NOT_REPRESENTED,
        ReasonCode.BASIS_WITHDRAWN,
    }
