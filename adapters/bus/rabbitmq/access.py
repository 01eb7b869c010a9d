"""How the broker is reached, and as whom."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from consent.vocabulary import Problem
from gateway.config.bus import Bus
from gateway.config.home import SETTINGS_FILE
from gateway.config.references import resolved
from gateway.errors import ConfigurationFault


@dataclass(frozen=True, slots=True)
class Access:
    """The nodes of one broker, whom we are to it, and how long it may take to answer."""

    urls: tuple[str, ...]
    """Tried in turn. Without user and password."""
    user: str
    """As the broker knows us, whatever proves it."""
    password: str | None = field(repr=False)
    """None: our certificate proves it (SASL EXTERNAL)."""
    tls: ssl.SSLContext | None
    timeout_seconds: float

    def url(self, turn: int, purpose: str) -> URL:
        """In: the how many-th try, what the connection is for. Out: everything for the driver. Never to be shown."""
        external = self.password is None
        url = URL(self.urls[turn % len(self.urls)])
        if not external:
            url = url.with_user(self.user).with_password(self.password)
        said = {
            "name": f"einmal {purpose}",
            "heartbeat": str(max(2, min(60, int(self.timeout_seconds)))),
            "auth": "external" if external else "plain",
        }
        return url.update_query(said)


def configured(bus: Bus, home: Path) -> Access:
    """In: `[bus]` of a home. Out: how its broker is reached. Raises: ConfigurationFault."""
    assert bus.url is not None
    assert bus.user is not None
    password = _secret(bus.password, home) if bus.password is not None else None
    return Access((bus.url, *bus.alternates), bus.user, password, _tls(bus, home), bus.timeout_seconds)


def given(url: str, timeout_seconds: float) -> Access:
    """In: a data consumer's own URL with user and password, or `env:NAME` or `file:PATH` where it is kept.

    Raises: ConfigurationFault.
    """
    said = resolved(url, Path())
    try:
        whole = URL(said or "")
        user, password = whole.user, whole.password
        if whole.scheme not in ("amqp", "amqps") or not whole.host or not user or password is None:
            raise ValueError
    except ValueError:
        wrong, mend = "is no URL of a broker", "Write amqp://USER:PASSWORD@HOST/VHOST, env:NAME or file:PATH."
        raise ConfigurationFault((Problem("--amqp", None, "URL", wrong, mend),)) from None
    tls = ssl.create_default_context() if whole.scheme == "amqps" else None
    return Access((str(whole.with_user(None)),), user, password, tls, timeout_seconds)


def _secret(reference: str, home: Path) -> str:
    if (found := resolved(reference, home)) is None:
        raise _wrong("password", "leads to nothing", "Set that variable, or write that file.")
    return found


def _tls(bus: Bus, home: Path) -> ssl.SSLContext | None:
    if not bus.encrypted:
        return None
    try:
        context = ssl.create_default_context(cafile=str(home / bus.ca) if bus.ca else None)
    except (OSError, ssl.SSLError):
        raise _wrong("ca", "can't be read as certificates", "Name a PEM file.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if bus.certificate is not None:
        try:
            context.load_cert_chain(home / bus.certificate, home / bus.key if bus.key else None)
        except (OSError, ssl.SSLError):
            mend = "Name two PEM files that belong together; the key without a password."
            raise _wrong("certificate", "can't be read with its key", mend) from None
    return context


def _wrong(key: str, wrong: str, mend: str) -> ConfigurationFault:
    return ConfigurationFault((Problem(SETTINGS_FILE, None, f"bus.{key}", wrong, mend),))
