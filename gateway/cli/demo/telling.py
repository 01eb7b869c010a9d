"""The story in words: a line for the terminal, story.md for whoever asks what happened, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any, Final

from consent.policy import Policy
from gateway.cli.demo.day import Day, Line
from gateway.cli.demo.story import Played

_WORDS: Final[Mapping[str, str]] = {
    "given": "recorded",
    "recorded": "on file",
    "already-on-file": "was on file already",
    "answered-with-notice": "answered, marked as blocked",
}
_TIMES: Final = {2: "twice", 3: "three times", 4: "four times"}
_ORDERS: Final = ("empowers", "decides")


def outcome(played: Played) -> str:
    """Out: what came of an act, in words."""
    if not played.outcome:
        return "no reply"
    if played.refused:
        return f"refused ({played.outcome})"
    if played.failed:
        return f"failed ({played.outcome})"
    return _WORDS.get(played.outcome, played.outcome)


def outcomes(played: Sequence[Played]) -> str:
    """Out: what came of a scene: of what was asked and submitted in it, or else of what was recorded."""
    asked = [act for act in played if act.act.deed not in _ORDERS] or list(played)
    said = [(word, len(list(same))) for word, same in groupby(map(outcome, asked))]
    return ", then ".join(word if times == 1 else f"{word}, {_TIMES[times]}" for word, times in said)


def story(day: Day) -> str:
    """Out: story.md."""
    ended, parts = day.ended, []
    played = {scene.title: acts for scene, acts in day.told}
    number = 0
    for chapter in day.script.chapter:
        parts.append(f"## {chapter.title}\n")
        for scene in chapter.scene:
            number += 1
            deeds = "\n".join(_deed(act, day) for act in played[scene.title])
            parts.append(f"### {number}. {scene.title}\n\n{scene.text.strip()}\n\n{deeds}\n")
    page = Template(files(__package__).joinpath("story.md").read_text("utf-8"))
    return page.substitute(
        scenes="\n".join(parts),
        grants=_granted(day),
        lines=ended.verdict.lines,
        proved=ended.proved,
        log_lines=ended.log_lines,
        holds="holds" if ended.holds else "does NOT hold",
        shown="\n".join(f"- {sentence.en}" for sentence in ended.verdict.shown),
        not_shown="\n".join(f"- {sentence.en}" for sentence in ended.verdict.not_shown),
        folder=ended.folder,
        fingerprint=ended.fingerprint,
        auditor=ended.auditor,
    )


def _deed(played: Played, day: Day) -> str:
    """Out: one message and its reply: who sent it, what came of it, the grant and the lines of the log."""
    lines = day.log.get(played.exchange, ())
    request, reply = played.files
    file = next((day.grants[line.grant] for line in lines if line.grant is not None), None)
    granted = f" Granted in [`{file}`](home/{file})." if file else ""
    return (
        f"- {_office(day.policy, played.consumer)} {_does(played, day.policy)}: [`{request}`](messages/{request}), "
        f"[reply](messages/{reply}): **{outcome(played)}**{_why(played)}.{granted} Log: {_places(lines)}."
    )


def _does(played: Played, policy: Policy) -> str:
    matter, whose = played.matter, "" if played.who == "anna" else f" for {played.who.capitalize()}"
    match played.act.deed:
        case "empowers":
            return f"records that Anna acts{whose}"
        case "decides":
            return f"records Anna's {matter.basis if matter else ''}{whose}"
        case "withdraws":
            return "records the withdrawal"
        case "submits" | "asks" as does:
            assert matter is not None
            verb = "submits to" if does == "submits" else "asks"
            name = policy.registers[matter.register_].title.en
            return f"{verb} the {name[0].lower()}{name[1:]}"


def _why(played: Played) -> str:
    """Out: what the reply itself says of a no, and since when something was on file."""
    if "message" in played.reply:
        return f" – “{played.reply['message']['en'].rstrip('.')}”"
    if "since" in played.reply:
        return f", since {played.reply['since'][11:19]} (UTC)"
    return ""


def _office(policy: Policy, consumer: str) -> str:
    return policy.consumers[consumer].title.en.partition(" of ")[0]


def _places(lines: Iterable[Line]) -> str:
    """Out: `asked` 24m·6, `answered` 24m·7–10."""
    said = []
    for (retention, kind), same in groupby(lines, key=lambda line: (line.retention, line.kind)):
        places = [line.index for line in same]
        several = f"–{places[-1]}" if len(places) > 1 else ""
        said.append(f"`{kind}` {retention}·{places[0]}{several}")
    return ", ".join(said) or "no line"


def _granted(day: Day) -> str:
    """Out: every grant of the home, a row of a table each."""
    policy, rows = day.policy, []
    for name, file in day.grants.items():
        grant = policy.grants[name]
        evidence = policy.evidence(grant.register, grant.evidence)
        assert evidence is not None
        who = _office(policy, grant.consumer)
        if grant.on_behalf_of is not None:
            who += f", for the {_office(policy, grant.on_behalf_of).lower()}"
        does = "submit" if grant.write else "ask for"
        basis = ", ".join(grant.basis)
        cells = (
            who,
            f"{does} {evidence.title.en}",
            policy.purposes[grant.purpose].title.en,
            basis,
            f"`{file}`",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def facts(day: Day) -> dict[str, Any]:
    """Out: the same for programs."""
    ended = day.ended
    return {
        "scenes": [
            {"title": scene.title, "acts": [_fact(act, day.log.get(act.exchange, ())) for act in played]}
            for scene, played in day.told
        ],
        "surprises": day.surprises,
        "export": {
            "file": "anna.zip",
            "lines": ended.verdict.lines,
            "true": ended.true,
            "auditors": list(ended.verdict.auditors),
        },
        "log": {"lines": ended.log_lines, "holds": ended.holds},
        "fingerprint": ended.fingerprint,
        "auditor": ended.auditor,
    }


def _fact(played: Played, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "deed": played.act.deed,
        "who": played.who,
        "consumer": played.consumer,
        "request": f"messages/{played.files[0]}",
        "reply": f"messages/{played.files[1]}",
        "outcome": played.outcome,
        "expected": played.act.expected,
        "exchange": played.exchange,
        "log": [{"class": line.retention, "index": line.index, "kind": line.kind} for line in lines],
    }
