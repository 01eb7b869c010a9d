"""What docs/records.md shows is what the house takes and says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from consents import answered, order
from letters import JSON, letter
from town import Town

from consent.ledger import ENDINGS, TRANSITIONS, Terms
from consent.powers import PowerTerms
from consent.vocabulary import RecordState
from gateway.cli import decisions
from xoev_schemas.records import MODELS, EvidenceRefusal

TEXT: Final = (Path(__file__).parents[2] / "docs" / "records.md").read_text("utf-8")
DIGEST: Final = "<64 hex digits: the exact text shown>"
POWER: Final = "<id of the power>"


def _shown() -> dict[str, dict[str, Any]]:
    """Out: every JSON block, by what it says it is, its gaps filled."""
    filled = TEXT.replace(DIGEST, "0" * 64).replace("<the JWS>", "a.b.c")
    blocks = re.findall(r"```json (\S+)\n(.*?)```", filled, re.DOTALL)
    assert len(blocks) == filled.count("```json"), "every block says what it is"
    return {kind: json.loads(said) for kind, said in blocks}


def test_every_example_is_one_by_its_model() -> None:
    """Each with the model that reads or says it; those of the replies are complete."""
    shown = _shown()
    for kind, said in shown.items():
        if kind.startswith("consent."):
            (EvidenceRefusal if kind == "consent.refusal" else MODELS[kind]).model_validate(said)
    assert set(shown) == {"decision", "power", "consent.refusal"} | {
        kind for kind in MODELS if kind.startswith("consent.")
    }


async def test_every_example_is_taken_by_the_house(town: Town, tmp_path: Path) -> None:
    """Recorded, given under the power, listed and withdrawn as shown, in the demo's town."""
    shown = _shown()
    for kind in ("decision", "power"):
        terms, by = decisions.understood(shown[kind], tmp_path, town.opened.house.policies.current())
        assert by == shown[kind].pop("recorded_by")
        assert isinstance(terms, Terms if kind == "decision" else PowerTerms)
    made = {kind: await _said(town, "give", {"terms": shown[kind]}) for kind in ("power", "decision")}
    give = json.loads(json.dumps(shown["consent.give"]).replace(POWER, made["power"]["record"]))
    given = await _sent(town, "give", give)
    assert given.keys() == shown["consent.receipt"].keys()
    listed = await _sent(town, "list", shown["consent.list"])
    assert [one.keys() for one in listed["records"]] == [
        one.keys() for one in shown["consent.records"]["records"]
    ]
    ends = shown["consent.withdraw"] | {"record": given["record"]}
    assert (await _sent(town, "withdraw", ends))["state"] == "withdrawn"
    again = await _said(town, "withdraw", {name: ends[name] for name in ("record", "subject")})
    assert again.keys() == shown["consent.refusal"].keys()
    assert (again["code"], again["checks"]) == ("basis-withdrawn", ["basis-state"])


async def _said(town: Town, question: str, said: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads((await answered(town, order(town, question, said))).body)
    return reply


async def _sent(town: Town, question: str, message: dict[str, Any]) -> dict[str, Any]:
    """Out: the reply to the message as it is shown, id and all."""
    request = letter(
        town,
        json.dumps(message, ensure_ascii=False).encode(),
        consumer="buergerportal",
        content_type=JSON,
        message_id=message["message_id"],
        routing_key=f"buergerportal.consent.{question}",
    )
    reply: dict[str, Any] = json.loads((await answered(town, request)).body)
    return reply


def test_the_table_of_states_is_the_laws() -> None:
    """Every step that may follow is there, and no other."""
    table = TEXT.partition("## States")[2].partition("A withdrawal anywhere")[0]
    told: dict[str | None, set[str]] = {}
    for before, after in re.findall(r"^\| (.+) \| (.+) \|$", table, re.MULTILINE)[1:]:
        words = re.findall(r"`([a-z]+)`", before)
        names = [None] if before == "nothing" else words
        if before.startswith("all of these"):
            names = [*filter(None, told), *words]
        for name in names:
            told.setdefault(name, set()).update(re.findall(r"`([a-z]+)`", after))
    law = {
        before: set(after) | (set() if before is None or before in ENDINGS else set(ENDINGS))
        for before, after in TRANSITIONS.items()
    }
    assert told == law


def test_every_key_of_a_decision_is_explained() -> None:
    """No key of the models that the tables do not name."""
    for model in (Terms, PowerTerms):
        keys = [item.alias or name for name, item in model.model_fields.items()]
        assert [key for key in keys if f"`{key}`" not in TEXT and f'"{key}"' not in TEXT] == []
    assert all(f"`{state}`" in TEXT for state in RecordState)
