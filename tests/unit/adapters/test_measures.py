"""What is counted in memory (adapters.measures)."""

from __future__ import annotations

import pytest

from adapters.measures import BOUNDS, Counted, Spread, trace_context
from gateway.errors import RegisterTimeout
from gateway.ports import Room

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_spread_counts_each_time_once() -> None:
    """At its bound a time belongs to the part that ends there; beyond the last bound is one more part."""
    spread = Spread()
    for seconds in (0.0, BOUNDS[0], BOUNDS[-1], BOUNDS[-1] + 1):
        spread.add(seconds)
    assert (spread.parts[0], spread.parts[-2], spread.parts[-1]) == (2, 1, 1)
    assert spread.times == 4
    assert spread.seconds == pytest.approx(BOUNDS[0] + 2 * BOUNDS[-1] + 1)


def test_what_is_in_hand_is_let_go_whatever_happens() -> None:
    """Also when something unforeseen comes out, which goes on."""
    counted = Counted()
    with pytest.raises(ValueError), counted.exchange(None):  # noqa: PT012
        assert counted.in_hand == 1
        raise ValueError
    assert counted.in_hand == 0


def test_a_register_that_fails_is_counted_with_its_fault() -> None:
    """A call is a call either way; what is no fault of a register's is no failure of it."""
    counted = Counted()
    with counted.register("melderegister"):
        pass
    with pytest.raises(RegisterTimeout), counted.register("melderegister"):
        raise RegisterTimeout("melderegister")
    with pytest.raises(KeyError), counted.register("melderegister"):
        raise KeyError
    assert counted.registers["melderegister"].times == 3
    assert counted.failed == {("melderegister", "register-timeout"): 1}


def test_a_room_is_timed_each_time() -> None:
    """Also where it is left by a fault."""
    counted = Counted()
    with counted.room(Room.DECIDE):
        pass
    with pytest.raises(KeyError), counted.room(Room.DECIDE):
        raise KeyError
    assert counted.rooms[Room.DECIDE].times == 2


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        TRACE.upper(),
        TRACE + "-01",
        TRACE + "\n",
        TRACE.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "Anna Beispiel",
    ],
)
def test_what_is_no_trace_context_is_not_handed_on(said: str | None) -> None:
    """Other versions, ids of zeros, anything else that somebody wrote there."""
    assert trace_context(TRACE) == TRACE
    assert trace_context(said) is None
