"""The main job on the demo's town: `story.toml` act by act, as messages on the embedded bus, with nothing played."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway import assembly, client
from gateway.cli.demo import bodies
from gateway.cli.demo.bodies import PORTAL, Head
from gateway.cli.demo.home import key_file
from gateway.cli.demo.script import Act, Matter, Scene, Script
from gateway.cli.letters import Letter, send
from gateway.inbound import body
from xoev_schemas.languages import JSON

_WAIT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Played:
    """An act, the messages it left, and what came of it."""

    act: Act
    matter: Matter | None
    """None: a power for a child."""
    who: str
    """One of the cast: whom it is about."""
    consumer: str
    files: tuple[str, str]
    """Request and reply, in `messages/`."""
    outcome: str
    """`answered`, `recorded`, `given` …, or the code of a refusal; empty: no reply came."""
    exchange: str
    reply: Mapping[str, Any] = field(repr=False)

    @property
    def fits(self) -> bool:
        return self.outcome == self.act.expected

    @property
    def refused(self) -> bool:
        """A refusal names the checks that failed."""
        return "code" in self.reply and "checks" in self.reply

    @property
    def failed(self) -> bool:
        """A failure is nobody's no."""
        return "code" in self.reply and not self.refused


@dataclass(slots=True)
class Story:
    """One telling: the opened house, where messages are left, what became of each scene."""

    opened: assembly.Opened
    folder: Path
    told: list[tuple[Scene, tuple[Played, ...]]] = field(default_factory=list)
    _records: dict[str, str] = field(default_factory=dict)
    """Records and powers that the house keeps, by the matter or child they are for."""
    _sent: int = 0

    async def play(self, scene: Scene, script: Script) -> tuple[Played, ...]:
        """Out: what came of each act of a scene, in order."""
        played = tuple([await self._play(act, script) for act in scene.acts])
        self.told.append((scene, played))
        return played

    async def _play(self, act: Act, script: Script) -> Played:
        matter = None if act.deed == "empowers" else script.matter_of(act)
        who = act.about if matter is None else matter.who
        asking = matter is not None and act.deed in ("asks", "submits")
        consumer = matter.consumer if matter is not None and asking else PORTAL
        ending = "xml" if matter is not None and asking and matter.language != JSON else "json"
        self._sent += 1
        names = tuple(f"{self._sent:02d}-{consumer}-{part}.{ending}" for part in ("request", "reply"))
        record = self._record(act, matter)
        house, policy = self.opened.house, self.opened.home.policy
        file = self.folder / names[0]
        file.write_bytes(bodies.written(record, matter if asking else None, policy, house.languages))
        letter = await send(self.opened, file, self._sender(consumer), _WAIT_SECONDS)
        said = self._kept(letter, names[1])
        if act.deed in ("empowers", "decides") and "record" in said:
            self._records[act.about] = said["record"]
        exchange = str(said.get("exchange_id", ""))
        return Played(act, matter, who, consumer, (names[0], names[1]), _outcome(said), exchange, said)

    def _record(self, act: Act, matter: Matter | None) -> dict[str, Any]:
        """Out: the message of an act."""
        house = self.opened.house
        head = Head(house.ids.new(), house.clock.now())
        if matter is None:
            return bodies.parental_power(act.about, head)
        power = self._records.get(matter.who) if matter.as_parent else None
        if act.deed == "decides":
            controller = self.opened.home.settings.authority.title.de
            return bodies.decision(matter, power, controller, head)
        if act.deed == "withdraws":
            return bodies.withdrawal(matter, self._records.get(act.about, "none"), head)
        return bodies.request(matter, power, head)

    def _sender(self, name: str) -> client.Consumer:
        known = self.opened.home.policy.consumers[name]
        key = assembly.read_key(key_file(self.opened.home.root, f"consumers/{name}"))
        return client.Consumer(name, known.bus_user, key)

    def _kept(self, letter: Letter, name: str) -> Mapping[str, Any]:
        """Leave the reply and both signatures. Out: what the reply says; nothing if none came."""
        if letter.reply is None:
            return {}
        reply = letter.reply.message
        (self.folder / name).write_bytes(reply.body)
        headers = {"request": {"jws": letter.request.jws}, "reply": {"type": reply.type, **reply.headers}}
        signatures = self.folder / f"{name.rpartition('-')[0]}-signatures.json"
        signatures.write_text(json.dumps(headers, indent=2), "utf-8")
        heard = body.parse(reply.content_type, reply.body, self.opened.house.languages)
        return heard.json if heard.spoken is None else body.record(heard, heard.spoken.message.record)


def _outcome(said: Mapping[str, Any]) -> str:
    for key in ("code", "outcome", "state"):
        if key in said:
            return str(said[key])
    if "notice" in said:
        return "answered-with-notice"
    return "answered" if "values" in said else ""
