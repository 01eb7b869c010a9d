"""The house's own keys as they are told of: nothing secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.keys import FileKeys
from adapters.keys.rotating import KeySteps
from gateway import jose, jws
from gateway.audit.identity import Identity
from gateway.ports import Ids


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """What is in use, what was, and what comes next."""

    identity: Identity
    succession: Sequence[str]
    gateway: str
    next_gateway: str | None
    former_gateways: Mapping[str, datetime]
    """Until when each signed."""
    jwks: Mapping[str, Mapping[str, str]]
    """The gateway's public keys: in use, next and former."""
    encryption: Sequence[jws.PublicKey]
    """What consumers encrypt to, the newest first, whatever its time."""
    master: str
    master_source: str
    former_masters: Sequence[str]

    def facts(self) -> dict[str, object]:
        """Out: all of it, for programs."""
        following = self.next_gateway
        return {
            "authority_vkey": self.identity.current.vkey,
            "fingerprint": self.identity.current.fingerprint,
            "former": [
                {"vkey": key.vkey, "fingerprint": key.fingerprint} for key in reversed(self.identity.former)
            ],
            "succession": list(self.succession),
            "gateway": {
                "kid": self.gateway,
                "jwk": self.jwks[self.gateway],
                "next": {"kid": following, "jwk": self.jwks[following]} if following else None,
                "former": [
                    {"kid": kid, "jwk": self.jwks[kid], "until": until.isoformat()}
                    for kid, until in self.former_gateways.items()
                ],
            },
            "encryption": [
                {
                    "kid": key.kid,
                    "jwk": jose.public_members(key.key),
                    "not_before": key.valid_from.isoformat(),
                    "not_after": key.valid_to.isoformat(),
                }
                for key in self.encryption
            ],
            "master": {
                "id": self.master,
                "source": self.master_source,
                "former": list(self.former_masters),
            },
        }


def own_keys(keys: FileKeys, ids: Ids) -> OwnKeys:
    """Out: what there is to tell. Raises: ConfigurationFault."""
    following = KeySteps(keys, ids).announced()
    former = {key.kid: key.valid_to for key in keys.gateways if key.kid != keys.gateway.kid}
    jwks = {key.kid: jose.public_members(key.key) for key in keys.gateways}
    if following is not None:
        jwks[following.kid] = jws.public_jwk(following)
    masters = keys.masters
    return OwnKeys(
        identity=keys.identity,
        succession=keys.succession,
        gateway=keys.gateway.kid,
        next_gateway=following.kid if following is not None else None,
        former_gateways=former,
        encryption=[key.public for key in keys.encryption_keys],
        jwks=jwks,
        master=masters.current.hex(),
        master_source="command" if keys.source.command else "file",
        former_masters=[named.hex() for named in masters.former],
    )
