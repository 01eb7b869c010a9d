"""The story is played over the bus, ends as it is told, and everything it leaves says the same."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.__main__ import main
from gateway.cli.demo import script
from gateway.cli.demo.people import anna, people

ANNA, BEN, MIA, TOM = people()[:4]
REFUSALS = [
    "conflict",
    "no-basis",
    "fields-not-permitted",
    "basis-used-up",
    "no-grant",
    "no-data",
    "no-data",
    "basis-withdrawn",
]


def ran(*arguments: object) -> tuple[int, str]:
    """Out: the exit code and the standard output of a command."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", ["einmal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), said.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("story") / "demo"


@pytest.fixture(scope="module")
def day(folder: Path) -> dict[str, Any]:
    """Out: what `einmal demo --json` tells, and its exit code."""
    code, said = ran("demo", folder, "--json")
    told: dict[str, Any] = json.loads(said)
    return {"code": code, **told}


def acts(day: dict[str, Any]) -> list[dict[str, Any]]:
    return [act for scene in day["scenes"] for act in scene["acts"]]


def replies(folder: Path, day: dict[str, Any], *consumers: str) -> list[str]:
    """Out: what these offices were answered."""
    wanted = [
        act for act in acts(day) if act["consumer"] in consumers and act["outcome"].startswith("answered")
    ]
    return [(folder / act["reply"]).read_text("utf-8") for act in wanted]


def test_nothing_ends_otherwise_than_told(day: dict[str, Any]) -> None:
    """No surprise in any scene; the export is true, the log holds."""
    assert [act for act in acts(day) if act["outcome"] != act["expected"]] == []
    assert (day["code"], day["surprises"]) == (0, 0)
    assert day["export"]["true"]
    assert day["log"]["holds"]


def test_the_story_tells_what_the_plan_says(day: dict[str, Any]) -> None:
    """One move submitted, told to be on file the second time; every refusal, in this order; the withdrawal before
    the last one."""
    outcomes = [act["outcome"] for act in acts(day)]
    plain = {"given", "recorded", "answered", "already-on-file", "answered-with-notice", "withdrawn"}
    assert [outcome for outcome in outcomes if outcome not in plain] == REFUSALS
    assert [act["outcome"] for act in acts(day) if act["deed"] == "submits"] == [
        "recorded",
        "recorded",
        "already-on-file",
        "conflict",
    ]
    assert outcomes[-2:] == ["withdrawn", "basis-withdrawn"]
    assert outcomes.count("answered") == 10
    assert [act["who"] for act in acts(day) if act["deed"] == "empowers"] == ["tom", "mia"]


def test_what_was_said_once_is_what_every_office_gets(folder: Path, day: dict[str, Any]) -> None:
    """The address of the one submission reaches housing benefit, computing centre, day care and parking; the old one
    nobody."""
    offices = ("wohngeldstelle", "rechenzentrum", "kitaverwaltung", "parkraumbewirtschaftung")
    told = replies(folder, day, *offices)
    assert sum(BEN.street in body and BEN.house_number in body for body in told) == 5
    assert not any(ANNA.street in body for body in told)


def test_the_household_is_told_with_everyone_of_it(folder: Path, day: dict[str, Any]) -> None:
    """After the move four people live at the address, and each has a line of the exchange."""
    (body,) = [body for body in replies(folder, day, "wohngeldstelle") if "entries" in body]
    said = json.loads(body)
    assert said["values"] == {"household_size": "4"}
    assert {entry["member_given_names"] for entry in said["entries"]} == {"Anna", "Ben", "Mia", "Tom"}
    (asked,) = [act for act in acts(day) if act["exchange"] == said["exchange_id"]]
    assert [line["kind"] for line in asked["log"]] == ["asked"] + ["answered"] * 4


def test_a_blocked_person_looks_like_nobody(folder: Path, day: dict[str, Any]) -> None:
    """The two answers are the same but for their ids and times, to the byte."""
    (scene,) = [scene for scene in day["scenes"] if "blocked" in {act["who"] for act in scene["acts"][:1]}][
        :1
    ]
    assert [act["who"] for act in scene["acts"]] == ["blocked", "nobody"]
    bodies = [(folder / act["reply"]).read_bytes() for act in scene["acts"]]
    assert len(bodies[0]) == len(bodies[1])
    own = ("message_id", "created", "in_reply_to", "exchange_id")
    one, other = [
        {key: value for key, value in json.loads(body).items() if key not in own} for body in bodies
    ]
    assert one == other


def test_no_message_names_a_parent_without_need(folder: Path, day: dict[str, Any]) -> None:
    """The school is asked for the child's data by the child's name alone; what comes back names nobody else."""
    (answer,) = replies(folder, day, "schuelerbefoerderung")
    assert json.loads(answer)["values"].keys() == {"school_name", "class_level", "school_year"}


def test_every_exchange_left_its_lines(day: dict[str, Any]) -> None:
    """What touched a register has `asked` first; everything has exactly one kind of end."""
    touched = {"recorded", "already-on-file", "conflict", "no-data"}
    for act in acts(day):
        kinds = [line["kind"] for line in act["log"]]
        asked = act["outcome"] in touched or act["outcome"].startswith("answered")
        assert (kinds[0] == "asked") is asked
        assert len(set(kinds[asked:])) == 1


def test_annas_report_holds_the_scenes_about_her(folder: Path, day: dict[str, Any]) -> None:
    """Every exchange about her that the log could know as hers, and the birth record that names her as a parent; no
    other. The making of the report is later than what the auditor checked."""
    hers = [act["exchange"] for act in acts(day) if _hers(act)]
    report = json.loads((folder / "anna" / "auskunft.json").read_text("utf-8"))
    entries = [entry for month in report["months"] for entry in month["entries"]]
    assert sorted(entry["exchange"] for entry in entries) == sorted(hers)
    consents = {(one["recipient"]["code"], one["state"]["code"]) for one in report["consents"]}
    assert ("kitaverwaltung", "withdrawn") in consents
    assert len(report["consents"]) == 5
    own_lines = sum(
        1 for act in acts(day) if act["who"] == "anna" and act["deed"] in ("decides", "withdraws")
    )
    assert day["export"]["lines"] == own_lines + sum(len(entry["places"]) for entry in entries)


def _hers(act: dict[str, str]) -> bool:
    """Out: whether she finds the exchange in her report: not what was asked by name and refused before a register
    said whose it is."""
    if act["deed"] not in ("asks", "submits"):
        return False
    if act["who"] == "anna":
        return act["outcome"] != "basis-used-up"
    return act["who"] == "tom" and act["outcome"] == "answered" and act["reply"].endswith(".xml")


def test_the_page_tells_every_scene(folder: Path, day: dict[str, Any]) -> None:
    """story.md has a heading for each, links only to what is there, and leaves no placeholder open."""
    page = (folder / "story.md").read_text("utf-8")
    headings = re.findall(r"^### \d+\. (.+)$", page, re.MULTILINE)
    assert headings == [scene["title"] for scene in day["scenes"]]
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 2 * len(acts(day))
    assert [link for link in links if not (folder / link).is_file()] == []
    assert "$" not in page
    assert "no line" not in page
    assert page.count("| `grants/") == 12


def test_the_home_it_leaves_is_right(folder: Path, day: dict[str, Any]) -> None:
    """`einmal check` finds nothing to mend, and the export verifies with the published key."""
    assert ran("check", "--home", folder / "home")[0] == 0
    fingerprint = day["fingerprint"]
    assert ran("citizen", "verify", folder / "anna.zip", "--authority", fingerprint)[0] == 0


def test_the_index_is_checked_by_somebody_else(folder: Path, day: dict[str, Any]) -> None:
    """Anna's check names the auditor; what lies in `auditor/` audits again, what lies in `log/` holds no leaf."""
    known = ("--authority", day["fingerprint"])
    verify = ("citizen", "verify", folder / "anna.zip", *known)
    assert json.loads(ran(*verify, "--json")[1])["outcome"] == "complete-if-honest"
    told = json.loads(ran(*verify, "--auditor", day["auditor"], "--json")[1])
    assert (told["outcome"], told["auditors"]) == ("complete-checked", ["datenschutz.example/einmal"])
    assert ran("log", "audit-index", folder / "auditor/log", *known)[0] == 0
    assert ran("log", "cosign", folder / "log", *known)[0] == 0
    assert not list((folder / "log").rglob("entries"))


def test_the_readme_leads_through_it(folder: Path, day: dict[str, Any]) -> None:
    """Its commands for citizen, office and administrator run on what the demo left, and say what it says they say."""
    readme = Path(__file__).parents[4] / "README.md"
    part = readme.read_text("utf-8").partition("## The demo")[2].partition("\n## ")[0]
    commands = [
        line.replace("demo/", f"{folder}/")
        .replace("FINGERPRINT", day["fingerprint"])
        .replace("VKEY", day["auditor"])
        .split()
        for line in re.findall(r"^einmal .*", part.replace("\\\n", " "), re.MULTILINE)
    ]
    assert [(words[1], ran(*words[1:])[0]) for words in commands] == [
        ("citizen", 0),
        ("ask", 0),
        ("check", 0),
        ("explain", 1),
    ]


def test_a_story_with_a_mistake_is_not_played() -> None:
    """An act is one deed, and no key of the script is misspelt."""
    for wrong in (
        {"asks": "wohngeld", "decides": "wohngeld"},
        {},
        {"asks": "wohngeld", "expect": "answered"},
    ):
        with pytest.raises(ValidationError):
            script.Act.model_validate(wrong)


def test_a_terminal_of_eighty_columns_is_wide_enough(day: dict[str, Any]) -> None:
    """Every title leaves room for its mark on a line of its own."""
    titles: Sequence[str] = [scene["title"] for scene in day["scenes"]]
    assert all(len(title) < 70 for title in titles)
    assert len(set(titles)) == len(titles)
    assert anna().given_names in " ".join(titles)
