"""The demo's home, complete: to look at, to copy, to run the main job on.

Its secret keys are made anew each time; those of consumers and signatories, which in real life stay with their
owners, lie in `keys/consumers/` and `keys/people/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from gateway import assembly, jws
from gateway.cli.demo import registers
from gateway.cli.homes import STORAGE, write_template
from gateway.jws import SigningKey

NewKey: TypeAlias = Callable[[str], SigningKey]
"""In: a key id. Out: a new Ed25519 key of that name."""
SETTINGS: Final = "einmal.toml"
AUTHORITY: Final = {
    "name": "musterstadt.example",
    "title_de": "Stadt Musterstadt",
    "title_en": "Town of Musterstadt",
    "audience": "einmal.musterstadt.example",
}
OWNERS: Final = {
    "ummeldung": "leitung-buergeramt",
    "ummeldung-auskunft": "leitung-buergeramt",
    "wohngeld": "leitung-buergeramt",
    "wohngeld-haushalt": "leitung-buergeramt",
    "wohngeld-abgleich": "leitung-buergeramt",
    "kita-geburt": "leitung-standesamt",
    "kita-wohnung": "leitung-buergeramt",
    "parken": "leitung-buergeramt",
    "parken-fahrzeug": "leitung-zulassungsstelle",
    "markt": "leitung-gewerbeamt",
    "schuelerticket": "leitung-schulamt",
    "vollstreckung": "leitung-buergeramt",
    "hochschule": "leitung-standesamt",
}
"""Grant file → the register owner who signs it."""
APPROVER: Final = "datenschutz"


def write(home: Path, year: int, new_key: NewKey, oots: bool = False) -> None:
    """In: the folder of a home (its own keys are made elsewhere), the year its keys and grants begin, how a key
    is made. Writes settings, registers with their databases, consumers, people, and grants signed by two people.

    Raises: ConfigurationFault, when there is a home already.
    """
    keys: dict[str, SigningKey] = {}

    def words(path: str) -> Mapping[str, str]:
        named = {"year": str(year), "next_year": str(year + 1), **STORAGE, **AUTHORITY}
        folder, _, file = path.rpartition("/")
        if folder in ("consumers", "people"):
            name = file.removesuffix(".toml")
            kid = f"{name}-{year}" if folder == "consumers" else name
            target = key_file(home, f"{folder}/{name}")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            keys[f"{folder}/{name}"] = key = new_key(kid)
            assembly.write_key(target, key)
            named["x"] = jws.public_jwk(key)["x"]
        return named

    written = [*write_template("templates/home", home, words, only=(SETTINGS,))]
    (home / "keys").mkdir(mode=0o700, exist_ok=True)
    written += write_template("demo/home", home, words)
    if oots:
        written += write_template("demo/oots", home, words)
    registers.create(home / "registers")
    for path in written:
        if path.startswith("grants/"):
            sign(home / path, keys)


def sign(grants: Path, keys: Mapping[str, SigningKey]) -> None:
    """Write the `.sig` beside a file of grants: the register owner's and the approver's signature."""
    signers = [keys[f"people/{name}"] for name in (OWNERS[grants.stem], APPROVER)]
    grants.with_suffix(".sig").write_text(jws.sign_file(grants.read_bytes(), signers), "utf-8")


def key_file(home: Path, path: str) -> Path:
    """In: `consumers/<id>` or `people/<id>`. Out: where the demo keeps that party's secret key."""
    return home / "keys" / f"{path}.jwk"
