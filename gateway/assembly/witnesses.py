"""The witnesses of a house, as its einmal.toml names them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.config.settings import Einmal
from gateway.ports import Witness
from gateway.proving.witnessing import Wanted


def wanted(settings: Einmal) -> Wanted:
    """Out: whom the house asks, whom it believes, and how many it wants."""
    log = settings.log
    return Wanted(_asked(settings), [one.verifier for one in log.witness], log.witness_quorum)


def _asked(settings: Einmal) -> Sequence[Witness]:
    if all(one.url is None for one in settings.log.witness):
        return ()
    from adapters.witness import HttpWitness  # no command waits for HTTP in a house that asks nobody

    seconds = settings.log.witness_timeout_seconds
    return [
        HttpWitness(one.name, one.verifier, one.url, seconds)
        for one in settings.log.witness
        if one.url is not None
    ]
