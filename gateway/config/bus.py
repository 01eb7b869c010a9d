"""`[bus]`: how messages come and go; the keys of one kind of bus are a mistake with another."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from consent.parties import Table, Text
from consent.problems import mistake
from gateway.config.references import Reference

Count: TypeAlias = Annotated[int, Field(gt=0)]


def _broker(url: str) -> str:
    """Out: the URL, unless it carries more than where the broker is: files of a home are read by many, and archived."""
    wrong, mend = "is no URL of a broker", 'Write it as "amqps://host:5671/vhost".'
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname or parts.port == 0:
            mistake(wrong, mend)
    except ValueError:
        mistake(wrong, mend)
    if parts.username is not None or parts.password is not None:
        mistake("has a user in it", "Put the name into user, and the password elsewhere (password).")
    if parts.query or parts.fragment:
        mistake("says more than where the broker is", "Write host, port and virtual host only.")
    return url


BrokerUrl = Annotated[Text, AfterValidator(_broker)]
_EMBEDDED: Final = ("path",)
_RABBITMQ: Final = (
    "url", "alternates", "user", "password", "ca", "certificate", "key", "timeout_seconds", "prefetch",
)  # fmt: skip


class Bus(Table):
    """How messages come and go."""

    kind: Literal["embedded", "rabbitmq"] = "embedded"
    path: Text = "data/bus.sqlite3"
    """Embedded: relative to the home."""
    namespace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=63)] = "einmal"
    """First word of every queue's name."""
    url: BrokerUrl | None = None
    """RabbitMQ: where it is, `amqp://` or `amqps://`, with its virtual host."""
    alternates: tuple[BrokerUrl, ...] = ()
    """Other nodes of the same cluster, tried in turn."""
    user: Annotated[str, Field(pattern=r"^\S+$", max_length=128)] | None = None
    """Who the house is to the broker; no data consumer's user."""
    password: Reference | None = None
    """Where it is kept; without it the certificate proves who the house is (SASL EXTERNAL)."""
    ca: Text | None = None
    """Who vouches for the broker: a PEM file, relative to the home; default: whom this machine trusts."""
    certificate: Text | None = None
    """The house's own, for the broker: a PEM file."""
    key: Text | None = None
    """Its secret key: a PEM file."""
    timeout_seconds: Count = 10
    """How long the broker may take to answer or to confirm."""
    prefetch: Count | None = None
    """How many of one consumer's requests a process has in hand at most; default: as `limits.concurrency` allows."""

    @field_validator(*_EMBEDDED, *_RABBITMQ)
    @classmethod
    def _of_its_kind(cls, value: object, info: ValidationInfo) -> object:
        kind, of = info.data.get("kind"), "embedded" if info.field_name in _EMBEDDED else "rabbitmq"
        if kind is not None and kind != of:
            mistake(f'goes with kind = "{of}"', f'Remove it, or write kind = "{of}".')
        return value

    @model_validator(mode="after")
    def _whole(self) -> Bus:
        if self.kind == "embedded":
            return self
        if self.url is None or self.user is None:
            mistake("does not say where the broker is and who the house is there", "Add url and user.")
        if (self.certificate is None) != (self.key is None):
            mistake("has a certificate without its key, or a key alone", "Add the other file.")
        if self.password is None and self.certificate is None:
            mistake("has nothing that proves who the house is", "Add password, or certificate and key.")
        schemes = {urlsplit(url).scheme for url in (self.url, *self.alternates)}
        if len(schemes) > 1:
            mistake("is encrypted to one node and not to another", "Begin every URL with amqps://.")
        if not self.encrypted and (self.ca or self.certificate):
            mistake("has certificates for a connection that is not encrypted", "Begin the URL with amqps://.")
        return self

    @property
    def encrypted(self) -> bool:
        return self.url is not None and self.url.startswith("amqps:")
