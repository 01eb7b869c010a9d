"""An `Auskunft` as files a person can read, print, keep and open in a spreadsheet (`sheets.py`).

One self-contained page a language: no script, no picture, nothing fetched (by its Content-Security-Policy).
The same `Auskunft` always gives the same bytes, so that a verifier can write the files again and compare.
"""

from __future__ import annotations

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from pydantic import TypeAdapter

from gateway.audit.german_time import german_time
from gateway.audit.retention import ERASED, LOST
from gateway.views import sheets, summary
from gateway.views.auskunft import Auskunft, Entry
from gateway.views.words import Language, Text, words

VERIFY_COMMAND: Final = {
    "de": "einmal citizen verify DATEI.zip --authority FINGERABDRUCK --language de",
    "en": "einmal citizen verify FILE.zip --authority FINGERPRINT",
}
_SIGNS: Final = {"given": "→", "filed": "+", "kept": "–", "open": "…", "note": "i"}
_NAMES: Final[Mapping[str, tuple[str, Language]]] = {
    "auskunft.html": ("page.html", "de"),
    "report.html": ("page.html", "en"),
    "PRUEFEN.txt": ("PRUEFEN.txt", "de"),
    "VERIFY.txt": ("VERIFY.txt", "en"),
}
_JSON: Final = TypeAdapter(Auskunft)


def readable(auskunft: Auskunft) -> Mapping[str, bytes]:
    """Out: every readable file of an export by its name (CONTRACT.md 6)."""
    told = {name: _template(auskunft, name) for name in _NAMES}
    return {
        **told,
        "auskunft.json": to_json(auskunft),
        "zugriffe.csv": sheets.accesses(auskunft),
        "einwilligungen.csv": sheets.decisions(auskunft),
    }


def to_json(auskunft: Auskunft) -> bytes:
    return _JSON.dump_json(auskunft, indent=2) + b"\n"


def from_json(document: bytes) -> Auskunft:
    """Undo `to_json`. Raises: ValueError, whose text must not be shown (it may quote the document)."""
    return _JSON.validate_json(document)


# --- pages and texts ---
def _template(auskunft: Auskunft, name: str) -> bytes:
    template, language = _NAMES[name]
    style = _style()
    page = _environment(language).get_template(template)
    text = page.render(
        a=auskunft,
        language=language,
        style=Markup(style),  # noqa: S704 our own packaged file
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        glance=_Tell(language).glance(auskunft),
        offices=summary.offices(auskunft),
        unfolded=summary.unfolded(auskunft),
        anchors={kept.id: f"d{at}" for at, kept in enumerate(auskunft.decisions, start=1)},
        signs=_SIGNS,
        erased=ERASED,
        lost=LOST,
        command=VERIFY_COMMAND[language],
    )
    return text.encode()


@cache
def _environment(language: Language) -> Environment:
    """Text templates hold no markup and nothing of a person, so only pages are escaped. What is told in the language
    comes as filters: over a fixed text they are reckoned once, when the template is compiled."""
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    tell = _Tell(language)
    environment.filters |= {
        "t": tell.text,
        "x": tell.to,
        "n": tell.number,
        "day": tell.day,
        "moment": tell.moment,
        "who": tell.who,
    }
    return environment


@cache
def _style() -> str:
    return files(__package__).joinpath("templates", "page.css").read_text("utf-8").strip()


@cache
def _prose() -> Mapping[str, Text]:
    tables = tomllib.loads(files(__package__).joinpath("page.toml").read_text("utf-8"))
    return {key: Text(**entry) for key, entry in tables.items()}


class _Tell:
    """Prose, dates and numbers in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def text(self, key: str, **values: object) -> str:
        return _prose()[key].to(self.language).format(**values)

    def to(self, text: Text) -> str:
        return text.to(self.language)

    def number(self, key: str, count: int) -> str:
        return self.text(f"{key}_one" if count == 1 else f"{key}_many", count=count)

    def day(self, day: date) -> str:
        day = german_time(day) if isinstance(day, datetime) else day
        month = words().text("month", str(day.month)).to(self.language)
        return f"{day.day}{'.' if self.language == 'de' else ''} {month} {day.year}"

    def moment(self, time: datetime) -> str:
        local = german_time(time)
        return self.text("at", date=self.day(time), time=f"{local:%H:%M}")

    def glance(self, auskunft: Auskunft) -> tuple[str, ...]:
        """Out: the report in a few sentences; what did not happen is not counted."""
        counts = summary.counts(auskunft)
        told = tuple(self.number(key, count) for key, count in counts.items())
        asked = any(auskunft.count(tone) for tone in ("given", "filed", "kept", "open"))
        return told if asked else (self.text("glance_nothing"), *told)

    def who(self, entry: Entry) -> str:
        """Out: what the authority of an entry did."""
        if entry.outcome.startswith("consent."):
            return self.text("who_recorded" if entry.exchange else "who_for")
        if entry.outcome == "read.by":
            return self.text("who_looked")
        return self.text("who_filed" if entry.filing else "who")
