"""Shards: names, months, keys, leaf 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import small_log
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import note, shard
from gateway.audit.note import NoteInvalid
from gateway.audit.shard import KeyStatement, Origin, ShardKeys

NOVEMBER = Origin("musterstadt.example", "24m", 2026, 11)
KEYS = ShardKeys.generate(str(NOVEMBER), lambda size: small_log.chance("seed", size)[:size])


def test_an_origin_is_authority_class_and_month() -> None:
    """Spelled and read back; a shard after a restore has a number."""
    assert str(NOVEMBER) == "musterstadt.example/24m/2026-11"
    assert Origin.parse("musterstadt.example/24m/2026-11") == NOVEMBER
    assert Origin.parse("musterstadt.example/24m/2026-11.2").number == 2
    assert Origin.parse("a.example/sub/12m/2026-01") == Origin("a.example/sub", "12m", 2026, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/24m",
        "a/24m/2026-13",
        "a/24m/2026-00",
        "a/24m/2026-1",
        "a/24m/2026-11.1",
        "a/24m/2026-11.02",
        "a b/24m/2026-11",
        "a+b/24m/2026-11",
        "a/24m/2026-11\n",
        "a/24m/2026-11/index",
        "/24m/2026-11",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    """Other months, other numbers, names a key can't have."""
    with pytest.raises(ValueError):
        Origin.parse(text)


def test_a_month_ends_at_midnight_utc() -> None:
    """The next shard is that of now, in UTC, whatever zone now is given in; a clock gone back ends nothing."""
    last = datetime(2026, 11, 30, 23, 59, 59, 999999, UTC)
    first = datetime(2026, 12, 1, tzinfo=UTC)
    berlin = datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert not NOVEMBER.is_over(last)
    assert not NOVEMBER.is_over(berlin)
    assert not NOVEMBER.is_over(datetime(2026, 10, 31, tzinfo=UTC))
    assert NOVEMBER.successor(first) == Origin("musterstadt.example", "24m", 2026, 12)
    assert NOVEMBER.successor(datetime(2027, 2, 3, tzinfo=UTC)) == Origin(
        "musterstadt.example", "24m", 2027, 2
    )
    assert Origin.at("musterstadt.example", "24m", berlin) == NOVEMBER
    assert NOVEMBER.successor(last).month_number == (2026, 11)


def test_while_its_month_lasts_a_shard_is_followed_by_the_next_number() -> None:
    """`.2` in the same month, then `.3`; in a later month the plain name."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    second = NOVEMBER.successor(now)
    assert str(second) == "musterstadt.example/24m/2026-11.2"
    assert str(second.successor(now)) == "musterstadt.example/24m/2026-11.3"
    assert str(second.successor(datetime(2026, 12, 1, tzinfo=UTC))) == "musterstadt.example/24m/2026-12"


def test_keys_come_back_from_their_bytes() -> None:
    """What is wrapped and kept gives the same four secrets; their repr shows none."""
    again = ShardKeys.from_bytes(str(NOVEMBER), KEYS.to_bytes())
    assert again.public == KEYS.public
    assert again.seal == KEYS.seal
    assert KEYS.to_bytes()[1:33].hex() not in repr(KEYS)
    for wrong in (b"", KEYS.to_bytes()[:-1], b"\x02" + KEYS.to_bytes()[1:]):
        with pytest.raises(ValueError):
            ShardKeys.from_bytes(str(NOVEMBER), wrong)


def test_the_key_statement_names_the_keys() -> None:
    """Five lines, read back; the keys are named after the shard and its index."""
    text = shard.statement_text(str(NOVEMBER), KEYS)
    lines = text.split("\n")
    assert lines[:2] == ["einmal/keys/v1", str(NOVEMBER)]
    assert lines[2].startswith(f"{NOVEMBER}+")
    assert lines[3].startswith(f"{NOVEMBER}/index+")
    assert lines[4] == note.encode64(KEYS.vrf.public)
    assert KeyStatement.parse(text) == KEYS.public
    with pytest.raises(ValueError):
        shard.statement_text("musterstadt.example/24m/2026-12", KEYS)


@given(st.data())
def test_any_flipped_byte_of_a_signed_key_statement_is_found(data: st.DataObject) -> None:
    """The identity key vouches for every byte."""
    raw = bytearray(note.sign(KEYS.public.text, small_log.IDENTITY).encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteInvalid):
        KeyStatement.parse(note.open_note(changed, [small_log.IDENTITY.verifier]).text)


@pytest.mark.parametrize(
    "change",
    [
        ("einmal/keys/v1", "einmal/keys/v2"),
        (f"{NOVEMBER}\n", "musterstadt.example/24m/2026-12\n"),
        ("/index+", "/inde+"),
        ("\n", "\n\n"),
    ],
)
def test_what_is_no_key_statement_is_refused(change: tuple[str, str]) -> None:
    """Another header, another shard's keys, another number of lines."""
    with pytest.raises(NoteInvalid):
        KeyStatement.parse(KEYS.public.text.replace(*change, 1))


def test_leaf_0_opens_to_exactly_these_bytes() -> None:
    """RFC 8785, classes sorted; the very first shard of a class has no `previous`."""
    assert shard.opening_event(["24m", "12m"], "keys\n", None) == (
        b'{"classes":["12m","24m"],"keys":"keys\\n","kind":"shard.opened","v":1}'
    )
    assert shard.opening_event(["24m"], "k", "before") == (
        b'{"classes":["24m"],"keys":"k","kind":"shard.opened","previous":"before","v":1}'
    )


@pytest.mark.parametrize(
    ("origin", "first_due", "gone_from"),
    [
        ("a/24m/2026-11", (2028, 11), (2028, 12)),
        ("a/12m/2026-12", (2027, 12), (2028, 1)),
        ("a/1m/2026-11.2", (2026, 12), (2027, 1)),
        ("a/audit/2026-11", None, None),
    ],
)
def test_a_class_says_when_its_lines_are_due(
    origin: str, first_due: tuple[int, int] | None, gone_from: tuple[int, int] | None
) -> None:
    """The first line of the month is due so many months later, the last one by the 1st of the month after that."""
    parsed = Origin.parse(origin)
    assert (parsed.first_due, parsed.gone_from) == (first_due, gone_from)


def test_a_cosigners_key_is_no_logs_key() -> None:
    """A key statement that names one is none, whoever signed it."""
    text = KEYS.public.text
    for verifier, cosigner in (
        (KEYS.log.verifier, KEYS.log.cosigner),
        (KEYS.index.verifier, KEYS.index.cosigner),
    ):
        with pytest.raises(NoteInvalid, match="type 01"):
            KeyStatement.parse(text.replace(verifier.vkey, cosigner.vkey))
