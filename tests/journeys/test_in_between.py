"""What changes while a message is under way: the decision, the law, the key. The settling line is the boundary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import planted
import pytest
from journal_lines import Told, ended, lines, since
from law_changes import edit, takes_over
from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, Town

from consent.vocabulary import Found, Held, NotFound, Request, Subject
from gateway.assembly.policies import CONTEXT, Adopted, sealed
from gateway.audit.record import Digests, Event, Kind
from gateway.client import verified
from gateway.errors import ConfigurationFault, JournalUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import ConsentStore, Outbound, RecordEvent, Register
from gateway.stages import Mandate, Outgoing, Reply, Silent

GRANT: Final = "grants/wohngeld.toml"
FIELDS: Final = (
    '"family_name", "given_names", "birth_date", "street", "house_number", "postcode", "town", "moved_in"'
)


async def question(town: Town, **terms: Any) -> tuple[Outbound, str]:
    """Out: a question, and the record of the ordinary person's decision for it."""
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}")
    record = await town.chooses(ORDINARY, asked["case"], **terms)
    return asking(town, asked, "json/1.0"), record


async def settled(town: Town, request: Outbound, house: House) -> tuple[Outgoing, list[Told]]:
    """Out: the reply, and the exchange's own lines. The exchange ends once."""
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert verified(result.message, request, town.consumer("wohngeldstelle"), town.gateway).promise
    told = [line for line in await since(before, town.opened.store) if line.exchange == result.exchange]
    ended(told, result.exchange)
    return result.message, told


def refused(message: Outgoing, told: Sequence[Told], code: str) -> None:
    """The last line and the reply say why, and no evidence is in either."""
    assert told[-1].kind == "refused"
    assert told[-1].event["reasons"] == [code]
    assert "released" not in told[-1].event
    assert message.type == "evidence.refusal"
    assert json.loads(message.body)["code"] == code
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)


# --- the decision ---------------------------------------------------------------------------------------------
async def test_a_withdrawal_between_decision_and_settlement_keeps_the_evidence_inside(
    town: Town, exceptions_watched: object
) -> None:
    """The register has answered already; nothing of it leaves."""
    request, record = await question(town)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        answer = await real.fetch(mandate)
        await town.withdraws(record)
        return answer

    house, doors = guarded(town.opened.house, town.opened.store, meanwhile)
    message, told = await settled(town, request, house)
    assert len(doors["melderegister"].touched) == 1
    assert [line.kind for line in told] == ["asked", "refused"]
    refused(message, told, "basis-withdrawn")


async def test_a_decision_that_ends_while_the_register_answers_is_over(
    town: Town, exceptions_watched: object
) -> None:
    """The record's end lies behind when the line is to be written."""
    request, _ = await question(town, not_after=town.clock.now() + timedelta(minutes=5))

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        town.clock.passes(minutes=6)
        return await real.fetch(mandate)

    message, told = await settled(town, request, guarded(town.opened.house, town.opened.store, meanwhile)[0])
    refused(message, told, "basis-outside-period")


@dataclass(slots=True)
class Withdrawing:
    """Port `ConsentStore`: the person withdraws just after the record was read."""

    real: ConsentStore
    town: Town
    record_id: str
    done: list[bool] = field(default_factory=list)

    async def held_for(self, request: Request, exchange: str) -> Sequence[Held]:
        found = await self.real.held_for(request, exchange)
        if not self.done:
            self.done.append(True)
            await self.town.withdraws(self.record_id)
        return found

    async def record(self, record: str) -> Held | None:
        return await self.real.record(record)

    async def events(self, record: str) -> Sequence[RecordEvent]:
        return await self.real.events(record)

    async def of_subject(self, subject: Subject) -> Sequence[Held]:
        return await self.real.of_subject(subject)


async def test_a_withdrawal_between_decision_and_asking_keeps_the_register_untouched(
    town: Town, exceptions_watched: object
) -> None:
    """`asked` is not written on a basis that has gone, so there is no mandate."""
    request, record = await question(town)
    house, doors = guarded(town.opened.house, town.opened.store)
    house = replace(house, consents=Withdrawing(house.consents, town, record))
    message, told = await settled(town, request, house)
    assert doors["melderegister"].touched == []
    assert [line.kind for line in told] == ["refused"]
    refused(message, told, "basis-withdrawn")


async def test_after_a_withdrawal_the_kept_answer_is_not_repeated(
    town: Town, exceptions_watched: object
) -> None:
    """What left before has left; asking again gets a refusal of its own code and no line."""
    request, record = await question(town)
    message, _ = await settled(town, request, town.opened.house)
    assert planted.FAMILY_NAME.encode() in message.body
    await town.withdraws(record)
    before = await lines(town.opened.store)
    again = await handle(town.delivery(request), town.opened.house)
    assert isinstance(again, Reply)
    assert json.loads(again.message.body)["code"] == "withdrawn-since"
    verified(again.message, request, town.consumer("wohngeldstelle"), town.gateway)
    assert not any(marker.encode() in again.message.body for marker in planted.MARKERS)
    assert await since(before, town.opened.store) == []


async def test_a_use_is_reserved_once_and_given_back_by_what_was_not_answered(
    town: Town, exceptions_watched: object
) -> None:
    """A decision for one use: a failed exchange leaves it, an answered one takes it, the third finds none."""
    case = f"WG-{IDS.new()}"
    await town.chooses(ORDINARY, case, max_uses=1)
    requests = [asking(town, town.asks(ORDINARY, case=case), "json/1.0") for _ in range(3)]

    async def nonsense(_mandate: Mandate, _real: Register) -> Found | NotFound:
        raise ValueError("no row")

    broken, _ = guarded(town.opened.house, town.opened.store, nonsense)
    first, _ = await settled(town, requests[0], broken)
    second, _ = await settled(town, requests[1], town.opened.house)
    third, told = await settled(town, requests[2], town.opened.house)
    assert [message.type for message in (first, second)] == ["evidence.failure", "evidence.answer"]
    refused(third, told, "basis-used-up")


# --- the law --------------------------------------------------------------------------------------------------
async def changed_meanwhile(
    town: Town, file: str, old: str, new: str, *, before_asking: bool
) -> tuple[Outgoing, list[Told]]:
    """Another process takes over a changed law: before the question comes, or while the register answers."""
    request, _ = await question(town)
    edit(town, file, old, new)

    async def meanwhile(mandate: Mandate, real: Register) -> Found | NotFound:
        if not before_asking:
            await takes_over(town)
        return await real.fetch(mandate)

    if before_asking:
        await takes_over(town)
    return await settled(town, request, guarded(town.opened.house, town.opened.store, meanwhile)[0])


WHEN: Final = pytest.mark.parametrize("before_asking", [True, False], ids=["before asking", "while asking"])


@WHEN
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("valid_to = 2027-12-31", "valid_to = 2026-11-20", "no-grant"),
        ('procedures = ["wohngeld-antrag"]', 'procedures = ["kita-anmeldung"]', "no-grant"),
        ('recorded_by = ["buergerportal"]', 'recorded_by = ["kitaverwaltung"]', "recorder-not-accepted"),
        ('basis = ["choice"]', 'basis = ["consent"]', "basis-kind-not-allowed"),
        (FIELDS, '"family_name", "town"', "fields-not-permitted"),
        ("idnr = true", "preview = true\nidnr = true", "preview-required"),
    ],
    ids=["expired", "another procedure", "another recorder", "another basis", "fewer fields", "preview"],
)
async def test_a_law_that_permits_less_is_kept_from_the_moment_it_is_in_force(
    town: Town, old: str, new: str, code: str, before_asking: bool, exceptions_watched: object
) -> None:
    """Whether the question or the settling comes first to notice: nothing leaves that is not permitted now."""
    if "kita-anmeldung" in new:
        new, old = new + '\npurpose = "day-care"', 'purpose = "housing-benefit"\n' + old
    message, told = await changed_meanwhile(town, GRANT, old, new, before_asking=before_asking)
    assert [line.kind for line in told] == ([] if before_asking else ["asked"]) + ["refused"]
    refused(message, told, code)


@WHEN
async def test_a_law_that_still_permits_it_answers_under_its_own_hash(
    town: Town, before_asking: bool, exceptions_watched: object
) -> None:
    """The line names the policy that was in force when it was written."""
    before = town.opened.house.policies.current().hash
    message, told = await changed_meanwhile(
        town, GRANT, "valid_to = 2027-12-31", "valid_to = 2027-06-30", before_asking=before_asking
    )
    assert message.type == "evidence.answer"
    now = town.opened.house.policies.current().hash
    assert now != before
    assert told[-1].kind == "answered"
    assert told[-1].event["digests"]["policy"] == now
    assert told[0].event["digests"]["policy"] == (now if before_asking else before)


async def test_a_key_revoked_elsewhere_opens_nothing_here(town: Town, exceptions_watched: object) -> None:
    """Another process took the revocation over; this one has not seen it when the message comes."""
    request, _ = await question(town)
    revoked = "revoked_at = 2026-11-01T00:00:00Z\njwk = { kty"
    edit(town, "consumers/wohngeldstelle.toml", "jwk = { kty", revoked)
    await takes_over(town)
    house, doors = guarded(town.opened.house, town.opened.store)
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house)
    told = await since(before, town.opened.store)
    assert isinstance(result, Silent)
    assert [line.kind for line in told] == ["quarantined"]
    assert told[-1].event["reasons"] == ["key-not-valid"]
    assert doors["melderegister"].touched == []


async def test_a_standard_agreed_on_no_longer_is_not_answered(town: Town, exceptions_watched: object) -> None:
    """What was read under the old law is read again under the new one."""
    request, _ = await question(town)
    edit(
        town,
        "consumers/wohngeldstelle.toml",
        'standards = ["xeinmal/1.0", "json/1.0"]',
        'standards = ["xeinmal/1.0"]',
    )
    await takes_over(town)
    message, told = await settled(town, request, town.opened.house)
    assert told[-1].event["reasons"] == ["standard-not-agreed"]
    assert message.content_type == "application/xml"


async def test_a_grant_made_elsewhere_counts_here(town: Town, exceptions_watched: object) -> None:
    """A process that has not seen the new law refuses nothing under the old one."""
    edit(town, GRANT, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await takes_over(town)
    await town.opened.house.policies.refresh()
    edit(town, GRANT, "valid_to = 2026-11-20", "valid_to = 2027-12-31")
    await takes_over(town)
    request, _ = await question(town)
    message, _ = await settled(town, request, town.opened.house)
    assert message.type == "evidence.answer"


async def test_a_key_published_elsewhere_counts_here(town: Town, exceptions_watched: object) -> None:
    """A process that has not seen a consumer's new key does not lock its messages away."""
    file, kid = "consumers/wohngeldstelle.toml", 'kid = "wohngeldstelle-2026"'
    edit(town, file, kid, 'kid = "wohngeldstelle-alt"')
    await takes_over(town)
    await town.opened.house.policies.refresh()
    edit(town, file, 'kid = "wohngeldstelle-alt"', kid)
    await takes_over(town)
    request, _ = await question(town)
    message, _ = await settled(town, request, town.opened.house)
    assert message.type == "evidence.answer"


async def test_an_unsigned_grant_is_no_law(town: Town, exceptions_watched: object) -> None:
    """A home with it does not open, and a policy archived with it grants nothing."""
    request, _ = await question(town)
    edit(town, GRANT, "moved_in", "sex", signed=False)
    with pytest.raises(ConfigurationFault) as problems:
        await takes_over(town)
    assert [(found.file, found.line) for found in problems.value.problems] == [(GRANT, 2)]

    current = town.opened.house.policies.current()
    law = current.archived.replace(b'"moved_in"', b'"religion"')
    forged = replace(current, hash=sha256(law).hexdigest(), archived=law)
    await _puts(town, forged.hash, sealed(Adopted(forged, town.clock.now()), town.opened.keys))
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    told = [(line.kind, line.event["reasons"]) for line in await since(before, town.opened.store)]
    assert told == [("refused", ["no-grant"])]


async def test_a_policy_the_house_did_not_seal_stops_it(town: Town) -> None:
    """Who can write to the database, and to nothing else, can't put a law there: nothing is answered under it."""
    request, _ = await question(town)
    law, keys = town.opened.house.policies.current().archived, town.opened.keys
    bare, borrowed = (
        law.replace(b"wohngeld-antrag", name) for name in (b"wohngeld-antrug", b"wohngeld-antreg")
    )
    for forged, kept in ((bare, bare), (borrowed, keys.wrap(borrowed, CONTEXT + "0" * 64))):
        await _puts(town, sha256(forged).hexdigest(), kept)
        before = await lines(town.opened.store)
        with pytest.raises(JournalUnavailable):
            await handle(town.delivery(request), town.opened.house)
        assert await since(before, town.opened.store) == []


async def _puts(town: Town, digest: str, kept: bytes) -> None:
    """Make these bytes the current policy, as far as the database can tell."""
    now = town.clock.now()
    told = Event(kind=Kind.POLICY_LOADED, time=now, digests=Digests(policy=digest))
    await town.opened.journal.house_event(told, now, policy=(digest, kept))
