"""How long a delivery that is put off waits in the broker at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.bus.rabbitmq.topology import LEVELS, Topology


@given(st.floats(0, 10_000))
def test_the_shortest_level_that_does_not_end_too_early(seconds: float) -> None:
    """At most twice as long as it should, from a second on; beyond the longest it waits again."""
    level = Topology("einmal").level(seconds)
    if seconds <= LEVELS[-1]:
        assert level >= seconds
        assert level < 2 * max(seconds, 1) or level == 1
    else:
        assert level == LEVELS[-1]
