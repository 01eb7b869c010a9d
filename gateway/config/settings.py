"""einmal.toml: every setting strict, with its default, and its unit in its name."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from consent.parties import Table, Text, Title
from consent.problems import mistake
from gateway.config.connections import DatabaseUrl

Count: TypeAlias = Annotated[int, Field(gt=0)]
KeyName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$", max_length=128)]
"""A key name of a signed note (LOG.md 2): no space, no `+`; also the first part of every log's origin."""
RetentionClass: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}m$")]
"""A retention period in months, as in LOG.md 5: `24m`."""


class Authority(Table):
    """Whose house this is."""

    name: KeyName
    title: Title
    audience: Annotated[str, Field(pattern=r"^\S+$", max_length=255)]
    """What a request's signature must name."""


class Bus(Table):
    """How messages come and go."""

    kind: Literal["embedded"] = "embedded"
    path: Text = "data/bus.sqlite3"
    """Relative to the home."""
    namespace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=63)] = "einmal"
    """First word of every queue's name."""


class Storage(Table):
    """The journal's database."""

    url: DatabaseUrl = "sqlite:///data/einmal.sqlite3"


def _once(value: object) -> object:
    if isinstance(value, tuple) and len(set(map(str, value))) != len(value):
        mistake("lists a class twice", "Keep it once.")
    return value


class Log(Table):
    """Retention classes of the log (LOG.md 5)."""

    classes: Annotated[tuple[RetentionClass, ...], BeforeValidator(_once), Field(min_length=1)] = (
        "24m",
        "12m",
    )
    default_class: RetentionClass = "24m"
    """The class of lines that no grant assigns to one."""


class Schemas(Table):
    """Where the administrator installed standards."""

    path: Text = "data/schemas"


class Limits(Table):
    """Every limit of the house."""

    body_bytes: Count = 2_000_000
    xml_depth: Annotated[int, Field(gt=0, le=255)] = 64
    """libxml2 itself stops at 256."""
    xml_elements: Count = 50_000
    xml_attributes: Count = 64
    xml_text_bytes: Count = 1_000_000
    attempts: Count = 5
    """How often an exchange is tried before it is dead."""
    concurrency: Count = 32
    register_timeout_seconds: Count = 10
    reply_keep_days: Annotated[int, Field(gt=0, le=10)] = 10
    """How long a reply is kept for repeats; ten days at most (DOMAIN.md 5)."""
    clock_skew_seconds: Annotated[int, Field(ge=0, le=600)] = 60
    request_lifetime_seconds: Count = 86_400
    retry_first_seconds: Count = 2
    retry_most_seconds: Count = 300
    no_data_slot_milliseconds: Annotated[int, Field(gt=0, le=10_000)] = 500
    """A no that could mean a blocked person leaves this long after its request came, or twice, three times as long,
    and at no other time. Longer than a register usually takes, or its time shows."""


class Einmal(Table):
    """einmal.toml"""

    test_identities: bool = False
    """Whether this home's people are invented: then only never-issued IDNrs are accepted, else only others."""
    authority: Authority
    bus: Bus = Bus()
    storage: Storage = Storage()
    log: Log = Log()
    schemas: Schemas = Schemas()
    limits: Limits = Limits()
