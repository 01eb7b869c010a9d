"""Every key of the house followed by another one: what was made before stays valid, and who runs goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import rotating
import town as towns
from rotating import EVERY, LATER, LOG, MASTER, SETTLED, Before
from town import StillClock, Town

from gateway import assembly, client, jws, serve
from gateway.assembly.rotating import CONTEXTS
from gateway.audit import note
from gateway.audit.note import NoteInvalid, parse_vkey
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.errors import Fault
from gateway.exchange import handle
from gateway.journal.shards import shard_keys
from gateway.keeping.rewrapping import rewrap
from gateway.ports import Place
from gateway.stages import Reply


@pytest.fixture
def before(furnished: tuple[Path, Before]) -> Before:
    """What the town made before a key was rotated."""
    return furnished[1]


@pytest.fixture
async def town(furnished: tuple[Path, Before], tmp_path: Path) -> AsyncIterator[Town]:
    """Out: an open town of the test's own that has made all this."""
    opened = await towns.opened(shutil.copytree(furnished[0], tmp_path / "home"))
    yield opened
    await opened.opened.close()


@pytest.fixture
async def other(town: Town) -> AsyncIterator[Town]:
    """Another process's view of the town: it was opened before, and is not told."""
    other = await towns.opened(town.root, StillClock(LATER))
    yield other
    await other.opened.close()


@pytest.mark.parametrize("what", EVERY)
async def test_what_was_made_before_stays_valid_and_who_runs_goes_on(
    town: Town, before: Before, other: Town, what: str
) -> None:
    """Exports, receipts, records and kept replies; in the process that rotated, in one that was running meanwhile, and
    in one that starts afterwards."""
    town.clock.moment = LATER
    await rotating.rotate(town.opened.rotations(), what, LATER)
    for place in (other, town):
        place.clock.passes(minutes=1)
        await rotating.still_good(place, before)
    if what == MASTER:
        await town.opened.rotations().finish(SETTLED)
    fresh = await towns.opened(town.root, StillClock(SETTLED))
    await rotating.still_good(fresh, before)
    await fresh.opened.close()
    assert rotating.leftovers(town.root) == []


@pytest.mark.parametrize("what", EVERY)
async def test_a_house_rotated_again_and_again_stays_whole(town: Town, before: Before, what: str) -> None:
    """Three keys after the first one."""
    rotations = town.opened.rotations()
    for _ in range(3):
        town.clock.passes(minutes=5)
        await rotating.rotate(rotations, what, town.clock.now())
        await rotations.finish(town.clock.now() + timedelta(minutes=2))
        town.clock.passes(minutes=2)
        await rotating.still_good(town, before)
    assert len([line for line in await rotating.key_lines(town) if line[0] == "key.rotated"]) == 3 * (
        2 if what == LOG else 1
    )


# --- each key for itself ------------------------------------------------------------------------------------------
async def test_a_former_log_key_can_t_sign_for_the_new_shard(town: Town, before: Before) -> None:
    """Whoever stole it signs nothing that anybody believes: neither in its name nor in the new shard's."""
    shards = {shard.retention: shard for shard in await town.opened.store.shards()}
    stolen = shards["24m"]
    assert stolen.secrets is not None
    thief = shard_keys(stolen.head.origin, stolen.secrets, town.opened.keys).log
    [(old, new), _] = await town.opened.rotations().log(("24m", "12m"), LATER)
    assert (old, new) == (stolen.head.origin, f"{stolen.head.origin}.2")
    [(opened, head, honest)] = [one for one in await town.opened.shards.headed() if one[0].origin == new]
    log = opened.keys.public.log
    assert note.open_checkpoint(honest, log)
    text = note.split(honest)[0]
    for forged in (note.sign(text, thief), note.sign(text, note.Signer(new, thief.key))):
        with pytest.raises(NoteInvalid):
            note.open_checkpoint(forged, log)
    assert head.size >= 1


async def test_one_class_alone_gets_new_keys(town: Town, before: Before) -> None:
    """The other's shard stays open."""
    [(_, origin)] = await town.opened.rotations().log(("12m",), LATER)
    open_now = [shard.head.origin for shard in await town.opened.store.shards() if not shard.closed]
    assert open_now == [origin, "musterstadt.example/24m/2026-11"]
    assert Origin.parse(origin).number == 2


async def test_a_rotated_gateway_key_signs_and_the_former_one_is_believed_until_then(
    town: Town, before: Before
) -> None:
    """Its replies stay valid; what it signs from then on, stolen, is not believed."""
    stolen = town.opened.keys.gateway
    town.clock.moment = LATER
    change = await town.opened.rotations().gateway(LATER)
    assert (change.old, change.new) == (stolen.kid, town.opened.keys.gateway.kid)
    question = rotating.about(town)
    message = (await rotating.answered(town, question)).message
    consumer = town.consumer("wohngeldstelle")
    assert client.verified(message, question, consumer, town.gateway).kid == change.new

    def forged(issued: datetime) -> client.Verified:
        claims: dict[str, str | int] = {
            "iat": int(issued.timestamp()),
            "aud": consumer.id,
            "mid": message.message_id,
            "req": jws.digest(question.body),
        }
        headers = {"jws": jws.sign_detached(message.body, claims, stolen)}
        return client.verified(replace(message, headers=headers), question, consumer, town.gateway)

    assert forged(LATER).kid == stolen.kid
    with pytest.raises(client.ReplyInvalid) as caught:
        forged(LATER + timedelta(minutes=2))
    assert caught.value.code == "key"


async def test_a_key_that_is_announced_signs_nothing_yet(town: Town, before: Before) -> None:
    """Consumers get it first; the rotation then takes that very key."""
    rotations, old = town.opened.rotations(), town.opened.keys.gateway.kid
    announced = await rotations.announce_gateway(LATER)
    assert await rotations.announce_gateway(LATER) == announced
    await rotating.still_good(town, before)
    assert town.opened.keys.gateway.kid == old
    assert assembly.own_keys(town.opened.keys, town.opened.house.ids).next_gateway == announced.new
    assert (await rotations.gateway(LATER)).new == announced.new == town.opened.keys.gateway.kid


async def test_a_new_identity_states_every_open_shard_and_the_former_one_none_any_more(
    town: Town, before: Before
) -> None:
    """An export names both, and who followed whom; without the note the older shards are nobody's."""
    old = parse_vkey(town.opened.keys.identity_vkey)
    change, renewed = await town.opened.rotations().identity(LATER)
    assert change is not None
    assert (change.old, change.new) == (old.fingerprint, town.opened.keys.identity.current.fingerprint)
    assert [Origin.parse(origin).number for origin in renewed] == [2, 2]
    made = json.loads(await rotating.proof(town))
    assert made["authority"]["former"] == [old.vkey]
    assert len(made["authority"]["succession"]) == 1
    del made["authority"]["former"], made["authority"]["succession"]
    assert verify_export(json.dumps(made).encode(), change.new).outcome is Outcome.FALSE


async def test_everything_is_sealed_anew_and_the_former_master_opens_nothing(
    town: Town, before: Before, tmp_path: Path
) -> None:
    """Shard keys, replies, releases, laws; then its file goes, and a copy of it is worth nothing here."""
    rotations, old = town.opened.rotations(), town.opened.keys.masters.current
    assert rotating.sealed_under(town.root) == {old}
    done = await rotations.master(LATER)
    assert done.sealed.lost == ()
    assert [one.id for one in done.former] == [old.hex()]
    assert rotating.leftovers(town.root) == [f"master-{old.hex()}.key"]
    new = town.opened.keys.masters.current
    assert rotating.sealed_under(town.root) == {new}
    stolen = shutil.copy(town.root / "keys" / f"master-{old.hex()}.key", tmp_path / "stolen.key")
    assert await rotations.finish(LATER + timedelta(seconds=59)) is not None
    assert rotating.leftovers(town.root) != [], "who is in the middle of something may still need it"
    assert await rotations.finish(SETTLED) is not None
    assert rotating.leftovers(town.root) == []
    assert await rotations.finish(SETTLED) is None
    shutil.copy(stolen, town.root / "keys/master.key")
    (town.root / "keys/master.key").chmod(0o600)
    with pytest.raises(Fault) as caught:
        await towns.opened(town.root)
    assert caught.value.where == "keys"
    assert [line[:2] for line in await rotating.key_lines(town)] == [
        ("key.rotated", "master"),
        ("key.destroyed", "master"),
    ]


async def test_a_backup_from_before_opens_with_the_master_key_of_its_time(
    furnished: tuple[Path, Before], tmp_path: Path
) -> None:
    """Put beside the one in use; then everything is sealed anew once more."""
    template, before = furnished
    root = shutil.copytree(template, tmp_path / "home")
    backup = shutil.copytree(root / "data", tmp_path / "backup")
    key = shutil.copy(root / "keys/master.key", tmp_path / "backup.key")
    town = await towns.opened(root, StillClock(LATER))
    await town.opened.rotations().master(LATER)
    await town.opened.rotations().finish(SETTLED)
    await town.opened.close()
    shutil.rmtree(root / "data")
    shutil.copytree(backup, root / "data")
    with pytest.raises(Fault):
        await towns.opened(root)
    shutil.copy(key, root / "keys/master-backup.key")
    town = await towns.opened(root, StillClock(SETTLED))
    done = await town.opened.rotations().master(SETTLED)
    assert (done.change, done.sealed.lost) == (None, ())
    await town.opened.rotations().finish(SETTLED + timedelta(minutes=2))
    assert rotating.sealed_under(root) == {town.opened.keys.masters.current}
    await rotating.still_good(town, before)
    await town.opened.close()


async def test_a_serving_house_ends_the_rotation_by_itself(town: Town, before: Before, other: Town) -> None:
    """Its housekeeping seals anew what came late and deletes the former master key, a minute after the switch."""
    await town.opened.rotations().master(LATER)
    bus = await other.opened.bus()
    for moment, left in ((LATER + timedelta(seconds=30), 1), (SETTLED, 0)):
        other.clock.moment = moment
        await serve.tidy(other.opened.service(bus))
        assert len(rotating.leftovers(town.root)) == left
    await bus.close()


async def test_exchanges_go_on_while_everything_is_sealed_anew(
    town: Town, before: Before, other: Town
) -> None:
    """In a process that is not told: whatever it seals meanwhile is under one of the keys, and then under the new."""
    other.clock.moment = LATER
    asked = [rotating.answered(other, rotating.about(other)) for _ in range(6)]
    rotation = asyncio.create_task(town.opened.rotations().master(LATER))
    await asyncio.gather(*asked)
    assert (await rotation).sealed.lost == ()
    await town.opened.rotations().finish(SETTLED)
    assert rotating.sealed_under(town.root) == {town.opened.keys.masters.current}
    fresh = await towns.opened(town.root, StillClock(SETTLED))
    await rotating.still_good(fresh, before)
    await fresh.opened.close()


async def test_what_no_key_opens_is_named_and_holds_nothing_up(town: Town, before: Before) -> None:
    """A flipped byte of a sealed reply: everything else is sealed anew."""
    rotations = town.opened.rotations()
    [reply, *_] = await rotations.sealed.sealed(Place.REPLY, b"none")
    spoilt = reply.bytes[:-1] + bytes([reply.bytes[-1] ^ 1])
    await rotations.sealed.reseal([(reply, spoilt)])
    done = await rotations.master(LATER)
    assert done.sealed.lost == ((Place.REPLY, reply.name),)
    again = await rewrap(rotations.sealed, town.opened.keys, CONTEXTS)
    assert (again.done, again.lost) == (0, done.sealed.lost)
    wrong = [one.told for report in assembly.verify_log(town.root) for one in report.wrong]
    assert len(wrong) == 1
    assert reply.name in wrong[0]


async def test_a_reply_that_waits_is_sent_after_any_rotation(town: Town, before: Before) -> None:
    """The outbox opens under every key that was."""
    for what in EVERY:
        town.clock.passes(minutes=5)
        await rotating.rotate(town.opened.rotations(), what, town.clock.now())
    waiting = await town.opened.store.unconfirmed()
    assert waiting
    for exchange, sealed in waiting:
        assert town.opened.journal.unsealed(exchange, sealed).body
    again = await handle(town.delivery(before.question), town.opened.house)
    assert isinstance(again, Reply)
