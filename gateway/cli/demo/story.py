"""The main job on the demo's town: `story.toml` scene by scene, on the embedded bus, with nothing played."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from consent.ledger import Authentication, Named, Notice, Step
from consent.vocabulary import BasisKind, RecordState
from gateway import assembly, client, records
from gateway.cli.demo.home import key_file
from gateway.cli.demo.people import Person
from gateway.cli.letters import Letter, send
from xoev_schemas.languages import JSON

NOTICE: Final = (
    "Ich entscheide, dass die genannte Behörde den genannten Nachweis selbst beim Register abruft."
)
_WAIT_SECONDS: Final = 10.0
Tell = Callable[[str], None]


@dataclass(slots=True)
class Story:
    """One telling: the opened house, whose story it is, what became of each scene."""

    opened: assembly.Opened
    hero: Person
    folder: Path
    """Where messages are left as they were sent."""
    say: Tell
    told: list[str] = field(default_factory=list)
    surprises: int = 0
    _records: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Play every scene. A scene that ends otherwise than told is a surprise."""
        scenes = tomllib.loads(files(__package__).joinpath("story.toml").read_text("utf-8"))["scene"]
        for number, scene in enumerate(scenes, start=1):
            outcome, fits = await self._scene(number, scene)
            self.surprises += not fits
            self.say(f"{number} {'✓' if fits else '✕'} {scene['title']}: {outcome}")
            self.told.append(f"{number}. {scene['title']}: **{outcome}**")

    async def _scene(self, number: int, scene: Mapping[str, Any]) -> tuple[str, bool]:
        if "decides" in scene:
            return await self._decides(scene["decides"]), True
        if "withdraws" in scene:
            return await self._withdraws(scene["withdraws"]), True
        letter = await self._asks(number, scene["asks"])
        if letter.reply is None:
            return "no reply", False
        return _outcome(letter), letter.reply.message.type == scene["expects"]

    # --- what Anna does ---
    async def _decides(self, said: Mapping[str, Any]) -> str:
        opened, now = self.opened, self.opened.house.clock.now()
        terms = {
            key: said[key]
            for key in ("recipient", "register", "evidence", "purpose", "procedure", "case", "norm")
        }
        step = Step(
            **terms,
            kind=BasisKind.CONSENT if said["kind"] == "consent" else BasisKind.CHOICE,
            fields=frozenset(said["fields"]),
            record=opened.house.ids.new(),
            revision=1,
            state=RecordState.GIVEN,
            time=now,
            subject=Named(idnr=self.hero.idnr, birth_date=self.hero.birth_date),
            controller=opened.home.settings.authority.title.de,
            notice=Notice(version="1", sha256=sha256(NOTICE.encode()).hexdigest(), language="de"),
            channel="online",
            authentication=Authentication(level="substantial", event="demo"),
            not_before=now.replace(microsecond=0),
            not_after=now + timedelta(days=30),
            recorded_by="buergerportal",
        )
        await records.begin(step, opened.journal, opened.keys.gateway, now)
        self._records[step.recipient] = step.record
        return f"{said['kind']} recorded"

    async def _withdraws(self, recipient: str) -> str:
        opened = self.opened
        own, now = opened.keys.gateway, opened.house.clock.now()
        record = self._records[recipient]
        await records.move(
            record, RecordState.WITHDRAWN, "buergerportal", opened.store, opened.journal, own, now
        )
        return "consent withdrawn"

    # --- what the offices do ---
    async def _asks(self, number: int, said: Mapping[str, Any]) -> Letter:
        name = said["consumer"]
        consumer = client.Consumer(
            name,
            self.opened.home.policy.consumers[name].bus_user,
            assembly.read_key(key_file(self.opened.home.root, f"consumers/{name}")),
        )
        ending = "json" if said["language"] == JSON else "xml"
        file = self.folder / f"{number:02d}-{name}-request.{ending}"
        file.write_bytes(self._body(said))
        letter = await send(self.opened, file, consumer, _WAIT_SECONDS)
        if letter.reply is not None:
            reply = letter.reply.message
            (self.folder / f"{number:02d}-{name}-reply.{ending}").write_bytes(reply.body)
            headers = {"request": {"jws": letter.request.jws}, "reply": {"type": reply.type, **reply.headers}}
            (self.folder / f"{number:02d}-{name}-signatures.json").write_text(
                json.dumps(headers, indent=2), "utf-8"
            )
        return letter

    def _body(self, said: Mapping[str, Any]) -> bytes:
        """Out: the request in the office's language."""
        house, policy = self.opened.house, self.opened.home.policy
        office, register = policy.consumers[said["consumer"]], policy.registers[said["register"]]
        record = {
            "message_id": house.ids.new(),
            "created": f"{house.clock.now():%Y-%m-%dT%H:%M:%S}.000Z",
            **{key: said[key] for key in ("register", "evidence", "purpose", "procedure", "case", "fields")},
            "basis": {"kind": said["basis"]},
            "subject": self._subject(said["by"]),
            "author": {"directory": "einmal", "id": office.id, "name": office.title.de},
            "reader": {"directory": "einmal", "id": register.id, "name": register.title.de},
        }
        if said["language"] == JSON:
            del record["author"], record["reader"]
            return json.dumps(record, ensure_ascii=False, indent=2).encode()
        spoken = house.languages.message(said["language"], "evidence.request")
        assert spoken is not None
        return spoken.write(record, house.languages.limits)

    def _subject(self, by: str) -> dict[str, str | None]:
        born = {"birth_date": self.hero.birth_date.isoformat()}
        if by == "idnr":
            return {"idnr": self.hero.idnr, **born}
        return {"family_name": self.hero.family_name, "given_name": self.hero.given_names, **born}


def _outcome(letter: Letter) -> str:
    """Out: answered, or refused with its code, as far as a reply in either language says."""
    if letter.answered:
        return "answered"
    assert letter.reply is not None
    body = letter.reply.message.body.decode("utf-8", "replace")
    codes = ("fields-not-permitted", "basis-withdrawn", "no-basis", "no-grant", "no-data")
    return "refused" + next((f" ({code})" for code in codes if code in body), "")
