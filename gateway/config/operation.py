"""`[operation]`: where a process shows how it is, and how often it looks for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from consent.parties import Table, Text
from consent.problems import mistake

Count: TypeAlias = Annotated[int, Field(gt=0)]
_LISTEN: Final = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_MOST: Final = 65_535


@dataclass(frozen=True, slots=True)
class Listen:
    """Where it listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, said: str) -> Listen:
        """In: `HOST:PORT`, an IPv6 address in brackets. Raises: ValueError."""
        found = _LISTEN.fullmatch(said)
        if found is None or not 0 < int(found["port"]) <= _MOST:
            raise ValueError(said)
        host = found["host"]
        if host.startswith("["):
            host = str(IPv6Address(host[1:-1]))
        return cls(host, int(found["port"]))


def _address(said: str) -> str:
    try:
        Listen.parse(said)
    except ValueError:
        mistake("is no address with a port", 'Write it as "127.0.0.1:9464".')
    return said


def _collector(said: str) -> str:
    try:
        parts = urlsplit(said)
        plain = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and "@" not in parts.netloc
            and not parts.query
        )
    except ValueError:  # its words quote the URL
        plain = False
    if not plain:
        mistake("is no plain URL of a collector", 'Write it as "http://127.0.0.1:4318/v1/traces".')
    return said


class Operation(Table):
    """What those who operate the house are shown."""

    listen: Annotated[Text, AfterValidator(_address)] | None = None
    """Where liveness, readiness and figures are shown, over HTTP; default: nowhere. Nobody is asked who they are."""
    traces: Annotated[Text, AfterValidator(_collector)] | None = None
    """Where a collector takes spans (OTLP over HTTP); default: none are made. Needs `einmal[otel]`."""
    look_seconds: Count = 2
    """How old what is shown may be."""
    timeout_seconds: Count = 5
    """How long a look may take before the house is said to be not ready."""
