"""Whose turn it is, and how many one queue may have in hand."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.bus.rabbitmq.hand import Hand, Held

NUMBERS = count()


def held(queue: str, since: float = 0.0) -> Held:
    nothing: Any = None
    return Held(str(next(NUMBERS)), queue, nothing, since)


def filled(hand: Hand, **queues: int) -> Hand:
    for queue, number in queues.items():
        for _ in range(number):
            hand.arrive(held(queue))
    return hand


def taken(hand: Hand, queues: int, most: int = 1000) -> list[str]:
    """Out: from which queues it hands on, until it hands on nothing."""
    found: list[str] = []
    while len(found) < most and (one := hand.next(queues, 0.0)) is not None:
        found.append(one.queue)
    return found


def test_the_queues_take_turns() -> None:
    """One of each, in the order of their names."""
    assert taken(filled(Hand(32, None), a=3, b=2, c=1), 3) == ["a", "b", "c", "a", "b", "a"]


def test_the_turn_goes_on_where_it_was() -> None:
    """With one place only."""
    hand, found = filled(Hand(1, None), a=2, b=2), []
    while (one := hand.next(2, 0.0)) is not None:
        found.append(one.queue)
        hand.part(one.tag)
    assert found == ["a", "b", "a", "b"]


@given(st.integers(1, 100), st.integers(1, 20), st.one_of(st.none(), st.integers(1, 100)))
def test_no_queue_has_every_place(places: int, queues: int, prefetch: int | None) -> None:
    """Where there are others and room for them, a full queue leaves them a place; never more than there are places."""
    hand = Hand(places, prefetch)
    got = taken(filled(hand, a=200), queues)
    assert 1 <= len(got) == hand.share(queues) <= places
    if queues > 1 and places >= 4:
        assert len(got) < places
        assert taken(filled(hand, b=1), queues) == ["b"]


def test_what_is_parted_with_is_no_longer_there() -> None:
    """Twice is nothing."""
    hand = filled(Hand(1, None), a=1)
    one = hand.next(1, 0.0)
    assert one is not None
    assert hand.find(one.tag) is one
    assert hand.part(one.tag) is one
    assert (hand.find(one.tag), hand.part(one.tag)) == (None, None)


def test_what_is_held_too_long_goes_back() -> None:
    """Waiting since it came, handed on since then, or when it is told to."""
    hand = Hand(3, None)
    for since in (0.0, 5.0, 6.0):
        hand.arrive(held("a", since))
    first = hand.next(1, 8.0)
    assert first is not None
    assert [one.since for one in hand.overdue(10.0, 5.0)] == [5.0]
    first.back_at = 9.0
    assert hand.overdue(10.0, 5.0) == [first]
    assert [one.since for one in hand.waiting()] == [6.0]
    assert hand.waiting() == []
