"""einmal.toml: every setting strict, with its default, and its unit in its name."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from consent.parties import Table, Text, Title
from consent.problems import mistake
from gateway.audit.retention import Rule
from gateway.config.bus import Bus
from gateway.config.cosigners import Auditor, Witness, distinct
from gateway.config.keeping import Keeping, RetentionClass, fitting, rules
from gateway.config.operation import Operation
from gateway.config.storage import Storage

Count: TypeAlias = Annotated[int, Field(gt=0)]
KeyName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$", max_length=128)]
"""A key name of a signed note (LOG.md 2): no space, no `+`; also the first part of every log's origin."""


class Authority(Table):
    """Whose house this is."""

    name: KeyName
    title: Title
    audience: Annotated[str, Field(pattern=r"^\S+$", max_length=255)]
    """What a request's signature must name."""


def _once(value: object) -> object:
    if isinstance(value, tuple) and len(set(map(str, value))) != len(value):
        mistake("lists a class twice", "Keep it once.")
    return value


class Log(Table):
    """Retention classes of the log (LOG.md 5), and who else signs it (LOG.md 6, 10)."""

    classes: Annotated[tuple[RetentionClass, ...], BeforeValidator(_once), Field(min_length=1)] = (
        "24m",
        "12m",
    )
    default_class: RetentionClass = "24m"
    """The class of lines that no grant assigns to one."""
    witness: Annotated[tuple[Witness, ...], AfterValidator(distinct)] = ()
    auditor: Annotated[tuple[Auditor, ...], AfterValidator(distinct)] = ()
    witness_quorum: Annotated[int, Field(ge=0)] = 0
    """How many witnesses must have cosigned what an export is proved under, else it is not handed out."""
    witness_seconds: Count = 300
    """How often `serve` has the newest checkpoints cosigned."""
    witness_timeout_seconds: Count = 10
    """How long a witness may take to answer."""

    @field_validator("witness_quorum")
    @classmethod
    def _reachable(cls, quorum: int, info: ValidationInfo) -> int:
        asked = [one for one in info.data.get("witness", ()) if one.url is not None]
        if quorum > len(asked):
            mistake(
                f"wants {quorum} witnesses where {len(asked)} can be asked",
                "Add [[log.witness]] with a url for each, or want fewer.",
            )
        return quorum


class KeySources(Table):
    """Where the master key comes from, under which the house's secrets are sealed."""

    master: Annotated[str, Field(pattern=r"^file:\S")] = "file:keys/master.key"
    """Relative to the home."""
    master_command: tuple[Text, ...] = ()
    """Program and arguments that print it instead, in base64: what a vault or HSM stands behind."""
    former_command: tuple[Text, ...] = ()
    """The same for the key before, while `einmal keys rotate master` is under way."""
    command_timeout_seconds: Count = 10

    @model_validator(mode="after")
    def _one_source(self) -> KeySources:
        if self.master_command and "master" in self.model_fields_set:
            mistake("names two sources of the master key", "Keep master or master_command.")
        return self


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
    clock_leap_days: Annotated[int, Field(gt=0, le=366)] = 31
    """How far the clock may be ahead of the last line of the log before nothing is erased by it."""
    request_lifetime_seconds: Count = 86_400
    retry_first_seconds: Count = 2
    retry_most_seconds: Count = 300
    no_data_slot_milliseconds: Annotated[int, Field(gt=0, le=10_000)] = 500
    """A no that could mean a blocked person leaves this long after its request came, or twice, three times as long,
    and at no other time. Longer than a register usually takes, or its time shows."""
    erase_lines: Annotated[int, Field(gt=0, le=256)] = 256
    """How many lines are erased in one transaction; whoever appends waits for as many."""
    watch_seconds: Count = 60
    """How often `serve` looks whether every accepted exchange has ended or is under way."""
    disk_free_bytes: Annotated[int, Field(ge=0)] = 500_000_000
    """What has to be free on the database's disk; below it the house is not well."""


class Einmal(Table):
    """einmal.toml"""

    test_identities: bool = False
    """Whether this home's people are invented: then only never-issued IDNrs are accepted, else only others."""
    authority: Authority
    bus: Bus = Bus()
    storage: Storage = Storage()
    log: Log = Log()
    retention: Annotated[tuple[Keeping, ...], Field(validate_default=True)] = ()
    """By which law each class is kept; `rules` has the defaults as well."""
    keys: KeySources = KeySources()
    schemas: Schemas = Schemas()
    limits: Limits = Limits()
    operation: Operation = Operation()

    @field_validator("retention")
    @classmethod
    def _each_class_once(cls, said: tuple[Keeping, ...], info: ValidationInfo) -> tuple[Keeping, ...]:
        log = info.data.get("log")
        return said if log is None else fitting(said, log.classes)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Out: by which law each class is kept, in the order of the classes."""
        return rules(self.log.classes, self.retention)
