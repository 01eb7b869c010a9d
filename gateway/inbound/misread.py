"""Why a message is not understood: raised anywhere in this room, a `Misread` when it leaves it."""

from __future__ import annotations

from consent.vocabulary import ReasonCode


class NotUnderstood(Exception):
    """Carries the reason and nothing of the message."""

    def __init__(self, code: ReasonCode) -> None:
        super().__init__(str(code))
        self.code = code
