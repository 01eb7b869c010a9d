"""The classifier that looks for a difference sees one where there is one, and none where there is none."""

from __future__ import annotations

from typing import Final

from classifier import Observed, auc, by_feature, learnt

KINDS: Final = (True, False)


def spread(count: int) -> list[float]:
    """Out: numbers that fill [0, 1) evenly in an order without pattern (the golden ratio's multiples)."""
    return [(at * 0.6180339887498949) % 1 for at in range(count)]


def observed(positive: list[float], negative: list[float]) -> list[Observed]:
    pairs = zip(positive, negative, strict=True)
    return [Observed(kind, (value, 7.0)) for pair in pairs for kind, value in zip(KINDS, pair, strict=True)]


def mixed(found: list[Observed]) -> list[Observed]:
    """Out: the same, the kinds no longer in turn: each half has both."""
    return [one for at in range(4) for one in found[at::4]]


def test_the_share_of_pairs_in_which_one_is_larger() -> None:
    """Mann and Whitney's, by counting: equal ones are half a win."""
    assert auc([3, 4], [1, 2]) == 1
    assert auc([1, 2], [3, 4]) == 0
    assert auc([1, 3], [2, 2]) == 0.5
    assert auc([2, 2, 5], [2, 2, 2]) == 6 / 9


def test_what_is_alike_is_not_told_apart() -> None:
    """Two samples of one kind: near a half by every figure."""
    numbers = spread(8_000)
    found = mixed(observed(numbers[:4_000], numbers[4_000:]))
    assert max(by_feature(found)) < 0.52
    assert 0.45 < learnt(found) < 0.55


def test_a_shift_is_seen_by_rank() -> None:
    """A twentieth of the spread suffices for the figure to rise, and a feature that never differs stays at a half."""
    numbers = spread(8_000)
    found = mixed(observed([number + 0.2 for number in numbers[:4_000]], numbers[4_000:]))
    value, constant = by_feature(found)
    assert value > 0.65
    assert constant == 0.5
    assert learnt(found) > 0.65


def test_what_no_rank_shows_is_learnt() -> None:
    """Both kinds around the same middle, one of them never near it: seen by bins alone."""
    numbers = spread(8_000)
    split = [number / 4 if number < 0.5 else 1 - (1 - number) / 4 for number in numbers[:4_000]]
    found = mixed(observed(split, numbers[4_000:]))
    assert max(by_feature(found)) < 0.53
    assert learnt(found) > 0.7
