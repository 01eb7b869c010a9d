"""Time and chance from the machine."""

from __future__ import annotations

import uuid
from datetime import timedelta

from adapters.clock import SystemClock, SystemIds


def test_now_is_aware_and_in_utc() -> None:
    """So that no two parts of the house can differ by a zone."""
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_ids_are_random_uuids_in_their_one_spelling() -> None:
    """RFC 9562 version 4, lower case, each another."""
    ids = SystemIds()
    made = {ids.new() for _ in range(100)}
    assert len(made) == 100
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_random_bytes_are_as_many_as_asked_for() -> None:
    """And not the same twice."""
    ids = SystemIds()
    assert [len(ids.random(size)) for size in (0, 12, 32)] == [0, 12, 32]
    assert ids.random(32) != ids.random(32)
