"""Can two kinds be told apart by what was observed of them? Figures between 0.5 (not at all) and 1 (always).

Each feature alone, by rank (Mann and Whitney's AUC); and all of them together, learnt from one
half of what was observed and judged on the other: a sum of log-likelihood ratios over bins of equal weight, which sees
differences that no rank shows, such as a time that is always a little off the middle.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log
from typing import Final

BINS: Final = 20


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation: of which kind, and what was seen."""

    positive: bool
    features: tuple[float, ...]


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Out: how often a positive one is the larger; equal ones count half."""
    ranked = sorted([(value, True) for value in positive] + [(value, False) for value in negative])
    below, wins = 0, 0.0
    for _, same in groupby(ranked, key=lambda pair: pair[0]):
        kinds = [kind for _, kind in same]
        wins += kinds.count(True) * (below + kinds.count(False) / 2)
        below += kinds.count(False)
    return wins / (len(positive) * len(negative))


def by_feature(observed: Sequence[Observed]) -> tuple[float, ...]:
    """Out: each feature's own figure, whichever way round it tells."""
    shares = [_auc_of(observed, [one.features[at] for one in observed]) for at in range(_width(observed))]
    return tuple(max(share, 1 - share) for share in shares)


def learnt(observed: Sequence[Observed]) -> float:
    """Out: the figure of all features together, on every second observation, learnt from the others. Below 0.5: what
    was learnt misleads, so there was nothing to learn."""
    training, judged = observed[::2], observed[1::2]
    bins = [_scores(training, at) for at in range(_width(observed))]
    scores = [
        sum(
            ratios[bisect_right(edges, seen)]
            for (edges, ratios), seen in zip(bins, one.features, strict=True)
        )
        for one in judged
    ]
    return _auc_of(judged, scores)


def _width(observed: Sequence[Observed]) -> int:
    return len(observed[0].features)


def _auc_of(observed: Sequence[Observed], scores: Sequence[float]) -> float:
    scored = list(zip(observed, scores, strict=True))
    return auc(
        [score for one, score in scored if one.positive], [score for one, score in scored if not one.positive]
    )


def _scores(training: Sequence[Observed], at: int) -> tuple[list[float], list[float]]:
    """Out: the bins' inner edges, and each bin's log-likelihood ratio, smoothed by one of each kind."""
    values = sorted(one.features[at] for one in training)
    edges = sorted({values[len(values) * cut // BINS] for cut in range(1, BINS)})
    counts = {True: [1] * (len(edges) + 1), False: [1] * (len(edges) + 1)}
    for one in training:
        counts[one.positive][bisect_right(edges, one.features[at])] += 1
    totals = {kind: sum(inside) for kind, inside in counts.items()}
    return edges, [
        log(yes / totals[True]) - log(no / totals[False])
        for yes, no in zip(counts[True], counts[False], strict=True)
    ]
