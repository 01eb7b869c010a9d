"""`einmal log retention` and `einmal log hold`: what is due, what is kept longer and why; nobody's name is shown."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from commands import Einmal, Ended

from gateway import assembly
from gateway.audit.record import Event, Kind
from gateway.cli.demo.people import anna

UNTIL = ("--reason", "Klage", "--norm", "ZPO § 142", "--by", "dsb", "--until", "2099-12-31")


def placed(einmal: Einmal, home: Path, *more: object) -> Ended:
    return einmal("log", "hold", "place", *UNTIL, "--home", home, *more)


def test_what_is_due_is_told_and_nothing_changes(home: Path, einmal: Einmal) -> None:
    """Each shard with its norm and its next day; JSON says the same."""
    told = einmal("log", "retention", "--dry-run", "--home", home)
    assert told.code == 0
    assert "0 lines would be erased, 0 shards destroyed. Nothing was changed." in told.out
    plan = einmal("log", "retention", "--dry-run", "--json", "--home", home).json
    assert {due["norm"] for due in plan} == {"BMG § 40", "IDNrG § 9"}
    for due in plan:
        assert (due["due"], due["destroys"]) == (0, False)
        assert due["origin"] in told.out
        assert due["next"] in told.out


def test_a_run_says_what_it_did(home: Path, einmal: Einmal) -> None:
    """In words and for programs; writing the file anew is asked for."""
    told = einmal("log", "retention", "--home", home)
    assert (told.code, told.out.split(",")[0]) == (0, "0 lines erased")
    facts = einmal("log", "retention", "--json", "--vacuum", "--home", home).json
    done = {"erased": 0, "destroyed": [], "decisions": 0, "holds": 0, "settled": True, "astray": []}
    assert facts == done
    assert "written anew" in einmal("log", "retention", "--vacuum", "--home", home).out
    assert einmal("log", "retention", "--dry-run", "--vacuum", "--home", home).code == 2


def test_a_clock_that_leapt_erases_nothing_until_somebody_says_that_it_is_right(
    home: Path, einmal: Einmal
) -> None:
    """By the settings' own measure, where no time was believed yet. The way on is told, and from then on that time is
    believed; a look needs none."""
    (home / "data/retention.json").unlink()
    settings = home / "einmal.toml"
    settings.write_text(
        settings.read_text("utf-8").replace("clock_leap_days = 31", "clock_leap_days = 1"), "utf-8"
    )

    async def write() -> None:
        opened, now = await assembly.open_house(home), assembly.now()
        before = Event(kind=Kind.READ_BY, time=now - timedelta(days=2))
        await opened.journal.house_event(before, now, subject="reg:x:x")
        await opened.close()

    asyncio.run(write())
    right = "--clock-is-right"
    look = "--dry-run"
    for more, code in (((), 3), ((look,), 0), ((right, look), 2), ((), 3), ((right,), 0), ((), 0)):
        done = einmal("log", "retention", *more, "--home", home)
        assert (done.code, right in done.err) == (code, code > 0), more


def test_a_person_is_held_listed_exported_checked_and_let_go(
    home: Path, person: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The whole life of a hold; no step of it names whom it is for."""
    hold = placed(einmal, home, "--subject-file", person, "--json").json
    assert hold["lines"] > 0
    listed = einmal("log", "hold", "list", "--home", home)
    assert all(word in listed.out for word in (hold["hold"], "Klage", "ZPO § 142", "dsb", "a person"))
    (facts,) = einmal("log", "hold", "list", "--json", "--home", home).json
    assert (facts["until"], facts["lines"], facts["lifted"]) == ("2099-12-31", hold["lines"], None)
    for said in (listed.out, json.dumps(facts)):
        assert str(anna().idnr) not in said
        assert anna().family_name not in said

    out = tmp_path / "held.json"
    known = einmal("keys", "list", "--json", "--home", home).json
    assert einmal("log", "hold", "export", hold["hold"], "--out", out, "--home", home).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    for authority in (known["fingerprint"], known["authority_vkey"]):
        checked = einmal("log", "hold", "verify", out, "--authority", authority)
        assert checked.code == 0
        assert "true." in checked.out
        assert "Not shown: that these are all." in checked.out
    verdict = einmal("log", "hold", "verify", out, "--authority", "0" * 64, "--json")
    assert (verdict.code, verdict.json["signer_known"], verdict.json["findings"]) == (1, False, [])
    true = out.read_bytes()
    out.write_bytes(true.replace(b"{", b'{"v": 1,', 1))
    twice = einmal("log", "hold", "verify", out, "--authority", known["fingerprint"])
    assert twice.code == 1
    assert "a key is there twice" in twice.out
    out.write_bytes(true.replace(b'"ey', b'"ex', 1))
    assert einmal("log", "hold", "verify", out, "--authority", known["fingerprint"]).code == 1
    assert einmal("log", "hold", "verify", out, "--authority", "rubbish").code == 2

    assert einmal("log", "hold", "lift", hold["hold"], "--home", home).code == 0
    assert einmal("log", "hold", "lift", hold["hold"], "--home", home).code == 1
    assert "over since" in einmal("log", "hold", "list", "--home", home).out
    gone = einmal("log", "hold", "export", hold["hold"], "--out", tmp_path / "no.json", "--home", home)
    assert gone.code == 1
    assert not (tmp_path / "no.json").exists()
    assert einmal("log", "verify", "--home", home).code == 0


def test_a_hold_whose_row_is_gone_ends_unread(home: Path, person: Path, einmal: Einmal) -> None:
    """It can be ended, and whoever does is told that nobody knows what it held; one that is kept is not."""
    for as_json in ((), ("--json",)):
        hold = placed(einmal, home, "--subject-file", person, "--json").json["hold"]
        with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database, database:
            for table in ("held", "hold"):
                database.execute(f"delete from {table} where hold = ?", (hold,))
        ended = einmal("log", "hold", "lift", hold, *as_json, "--home", home)
        assert ended.code == 0
        if as_json:
            assert ended.json == {"hold": hold, "lifted": True, "unread": True}
        else:
            assert "nobody can tell whom or what it held" in " ".join(ended.out.split())
        assert einmal("log", "hold", "lift", hold, "--home", home).code == 1
    kept = placed(einmal, home, "--subject-file", person, "--json").json["hold"]
    ended = einmal("log", "hold", "lift", kept, "--json", "--home", home)
    assert ended.json == {"hold": kept, "lifted": True, "unread": False}


def test_an_exchange_is_held_by_its_id(home: Path, person: Path, einmal: Einmal) -> None:
    """One that the log knows; for another there is no hold."""
    assert placed(einmal, home, "--exchange", "00000000-0000-4000-8000-00000000dead").code == 1
    assert einmal("log", "hold", "list", "--home", home).out == "No hold was ever placed.\n"
    assert placed(einmal, home, "--exchange", "x", "--subject-file", person).code == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [("--until", "2020-01-01"), ("--until", "soon"), ("--reason", " "), ("--norm", "a\nb"), ("--by", "")],
)
def test_a_hold_needs_a_reason_a_norm_somebody_and_a_day_to_come(
    home: Path, person: Path, einmal: Einmal, option: str, value: str
) -> None:
    """Anything less is a wrong usage, and no hold is placed."""
    assert placed(einmal, home, "--subject-file", person, option, value).code == 2
    assert einmal("log", "hold", "list", "--json", "--home", home).json == []


def test_for_somebody_nobody_knows_there_is_no_hold(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """An honest no."""
    stranger = tmp_path / "s.json"
    stranger.write_text(
        json.dumps({"family_name": "Niemand", "given_name": "Nie", "birth_date": "1950-01-01"}), "utf-8"
    )
    assert placed(einmal, home, "--subject-file", stranger).code == 1


def test_lines_of_a_clock_that_was_wrong_are_told_and_are_no_failure(home: Path, einmal: Einmal) -> None:
    """Which shard has them; nobody is sent to a backup."""

    async def write() -> str:
        async with await assembly.open_house(home) as opened:
            now = opened.house.clock.now()
            await opened.shards.roll(now + timedelta(days=62))
            await opened.journal.house_event(Event(kind=Kind.READ_BY, time=now), now)
            return (await opened.store.shards())[-1].head.origin

    origin = asyncio.run(write())
    done = einmal("log", "retention", "--home", home)
    assert done.code == 0
    assert f"{origin}: lines bear a time outside its month, from a clock that was wrong." in done.out
    assert "backup" not in done.out
