"""A newer grant replaces an older one, and says so in a way nobody can mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

import pytest
from law_sample import RECORD, REQUEST, policy, read_texts, record, sample
from law_texts import GRANT, TEXTS, changed

from consent.changes import changes
from consent.decide import decide
from consent.expiry import ending
from consent.grants import content_hash
from consent.policy import Policy
from consent.vocabulary import Permit, Problem, ReasonCode, Refusal

GRANTS: Final = "grants/wohngeld.toml"
OLD: Final = "wohngeld-residence"


def successor(
    name: str, old: str = OLD, start: str = "2027-01-01", end: str = "2028-12-31", more: str = ""
) -> str:
    """Out: the sample's grant once more, replacing the old one."""
    text = GRANT.replace(OLD, name).replace("2026-01-01", start).replace("2027-12-31", end)
    return f'\n{text}predecessor = "{old}"\n{more}'


def read(*grants: str) -> Policy | tuple[Problem, ...]:
    return read_texts({**TEXTS, GRANTS: GRANT + "".join(grants)})


def lawful(*grants: str) -> Policy:
    found = read(*grants)
    assert isinstance(found, Policy), found
    return found


def on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


def decided(law: Policy, day: str) -> str:
    """Out: by which grant the sample's request is permitted on that day, or why not."""
    standing = record(not_before=on("2025-01-01"), not_after=on("2040-01-01"))
    found = decide(REQUEST, law, [standing], on(day))
    return found.grant if isinstance(found, Permit) else str(found.code)


@pytest.mark.parametrize(
    ("day", "grant"),
    [
        ("2026-06-01", OLD),
        ("2026-12-31", OLD),
        ("2027-01-01", "newer"),
        ("2027-12-31", "newer"),
        ("2028-12-31", "newer"),
        ("2029-01-01", "no-grant"),
    ],
)
def test_the_newer_grant_decides_from_its_first_day_on(day: str, grant: str) -> None:
    """The older one's last day is the day before; the two do not count as overlapping."""
    assert decided(lawful(successor("newer")), day) == grant


def test_a_chain_hands_over_link_by_link() -> None:
    """Each grant ends where the next begins."""
    law = lawful(successor("newer"), successor("newest", "newer", "2028-01-01", "2029-12-31"))
    assert [decided(law, f"{year}-06-01") for year in (2026, 2027, 2028)] == [OLD, "newer", "newest"]


def test_what_was_replaced_does_not_come_back() -> None:
    """A short successor leaves a gap: the older grant stays ended."""
    law = lawful(successor("newer", end="2027-03-31"))
    assert decided(law, "2027-04-01") == "no-grant"


def test_every_grant_stays_known() -> None:
    """What was replaced keeps its title and its dates for those who read old lines."""
    law = lawful(successor("newer"))
    assert law.grants[OLD].valid_to == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("grants", "key", "wrong"),
    [
        ((successor("newer", "wohngeld-residenz"),), "grant[1].predecessor", "is unknown"),
        ((successor("newer", "newer"),), "grant[1].predecessor", "can't replace itself"),
        ((successor("newer", start="2026-01-01"),), "grant[1].predecessor", "begins no later"),
        ((successor("newer", start="2025-01-01"),), "grant[1].predecessor", "begins no later"),
        (
            (successor("newer"), successor("other", start="2029-01-01", end="2029-12-31")),
            "grant[2].predecessor",
            "is replaced by 'newer' already",
        ),
        (
            (successor("newer", "newest"), successor("newest", "newer", "2029-01-01", "2029-12-31")),
            "grant[1].predecessor",
            "replace each other",
        ),
        (
            (successor("newer").replace('"wohngeldstelle"', '"buergerportal"'),),
            "grant[1].predecessor",
            "something else: consumer",
        ),
        (
            (
                successor("newer")
                .replace('"melderegister"', '"personenstandsregister"')
                .replace('["family_name", "given_names", "street", "town"]', '["town"]'),
            ),
            "grant[1].predecessor",
            "something else: register",
        ),
        (
            (
                successor("newer")
                .replace('"housing-benefit"', '"parking"')
                .replace('["wohngeld-antrag"]', '["parkausweis"]'),
            ),
            "grant[1].predecessor",
            "something else: purpose, procedures",
        ),
        ((successor("newer", more="write = true\n"),), "grant[1].predecessor", "something else: write"),
        (
            (successor("newer", more='on_behalf_of = "buergerportal"\n'),),
            "grant[1].predecessor",
            "something else: on_behalf_of",
        ),
    ],
)
def test_what_can_not_be_replaced_is_told(grants: tuple[str, ...], key: str, wrong: str) -> None:
    """Unknown, itself, not later, twice, in a circle, about something else."""
    found = read(*grants)
    assert isinstance(found, tuple)
    assert any(one.key == key and wrong in one.wrong and one.mend for one in found), [
        str(one) for one in found
    ]


def test_without_naming_it_a_newer_grant_overlaps() -> None:
    """Who decides is said, never guessed from dates."""
    found = read(successor("newer").replace(f'predecessor = "{OLD}"\n', ""))
    assert isinstance(found, tuple)
    assert "answers the same question" in found[0].wrong


def test_a_successor_of_one_grant_may_not_overlap_another() -> None:
    """Replacing one grant is no leave to answer a third one's question."""
    third = (
        GRANT.replace(OLD, "third").replace("2026-01-01", "2028-01-01").replace("2027-12-31", "2028-01-31")
    )
    found = read(successor("newer"), "\n" + third)
    assert isinstance(found, tuple)
    assert [one.key for one in found] == ["grant[2].id"]


def test_a_grant_to_ask_and_one_to_submit_do_not_overlap() -> None:
    """They answer different questions."""
    fields = '["family_name", "given_names", "street", "town"]', '["town"]'
    submit = GRANT.replace(OLD, "submit").replace(*fields)
    assert isinstance(read(f"\n{submit}write = true\n"), Policy)


# --- what a grant says ----------------------------------------------------------------------------------------
def test_the_content_hash_is_of_what_a_grant_says() -> None:
    """Comments, order and defaults written out change nothing; every other word does."""
    plain = sample().grants[OLD]
    same = policy({"fields": ["town", "street", "given_names", "family_name"], "idnr": False}).grants[OLD]
    assert content_hash(same) == content_hash(plain)
    different = [
        policy({"norm": "EGovG § 5 "}),
        policy({"fields": ["town"]}),
        policy({"valid_to": date(2027, 12, 30)}),
        policy({"idnr": True}),
        policy({"blocked": "deliver-with-notice"}),
    ]
    assert len({content_hash(law.grants[OLD]) for law in different} | {content_hash(plain)}) == 6


def test_changes_say_who_gains_and_who_loses() -> None:
    """Per consumer, register, evidence, purpose: on the day, whatever the grants' names."""
    before, after = sample(), lawful(successor("newer").replace('"street"', '"sex"'))
    found = changes(before, after, date(2026, 6, 1))
    assert (found.fields, found.added) == ((), ("newer",))
    (change,) = changes(before, after, date(2027, 6, 1)).fields
    assert (change.consumer, change.gained, change.lost) == (
        "wohngeldstelle",
        frozenset({"sex"}),
        frozenset({"street"}),
    )
    assert changes(before, policy({"norm": "WoGG"}), date(2026, 6, 1)).changed == (OLD,)
    assert changes(after, before, date(2026, 6, 1)).removed == ("newer",)


def test_what_ends_soon_is_told_soonest_first() -> None:
    """Grants, consumers' keys and people's keys; a replaced grant's own end is of no interest."""
    texts = changed(GRANTS, "2027-12-31", "2026-12-01")
    texts["people/leitung.toml"] = TEXTS["people/leitung.toml"].replace("2027-12-31", "2026-11-30")
    law = read_texts(texts)
    assert isinstance(law, Policy)
    found = ending(law, on("2026-11-22"), 30)
    assert [(one.name, f"{one.last}") for one in found] == [("leitung", "2026-11-30"), (OLD, "2026-12-01")]
    assert [one.name for one in ending(law, on("2026-12-10"), 10)] == ["leitung", OLD]
    assert ending(law, on("2026-11-22"), 7) == ()
    assert OLD not in {one.name for one in ending(lawful(successor("newer")), on("2026-11-22"), 3660)}


def test_the_sample_still_permits() -> None:
    """What this file varies is right in itself."""
    assert isinstance(decide(REQUEST, sample(), [RECORD], on("2026-11-22")), Permit)
    gone = decide(REQUEST, lawful(successor("newer")), [RECORD], on("2029-01-01"))
    assert isinstance(gone, Refusal)
    assert gone.code is ReasonCode.NO_GRANT
