"""The one home of time and chance: ports `Clock` and `Ids`."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - its one home


class SystemIds:
    """Chance from the operating system."""

    def new(self) -> str:
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))

    def random(self, size: int) -> bytes:
        return secrets.token_bytes(size)
