"""An `Auskunft` as files a person can read, print, keep and open in a spreadsheet.

One self-contained page a language: no script, no picture, nothing fetched (by its Content-Security-Policy).
The same `Auskunft` always gives the same bytes, so that a verifier can write the files again and compare.
"""

from __future__ import annotations

import csv
import tomllib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import StringIO
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from pydantic import TypeAdapter

from gateway.views.auskunft import Auskunft, Consent, Entry, KeptBack, Named
from gateway.views.german_time import german_time
from gateway.views.words import Language, Text, words

VERIFY_COMMAND: Final = {
    "de": "einmal citizen verify DATEI.zip --authority FINGERABDRUCK --language de",
    "en": "einmal citizen verify FILE.zip --authority FINGERPRINT",
}
_SIGNS: Final = {"given": "→", "kept": "✕", "open": "…", "note": "i"}
_NAMES: Final[Mapping[str, tuple[str, Language]]] = {
    "auskunft.html": ("page.html", "de"),
    "report.html": ("page.html", "en"),
    "PRUEFEN.txt": ("PRUEFEN.txt", "de"),
    "VERIFY.txt": ("VERIFY.txt", "en"),
}
_JSON: Final = TypeAdapter(Auskunft)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def readable(auskunft: Auskunft) -> Mapping[str, bytes]:
    """Out: every readable file of an export by its name (CONTRACT.md 6)."""
    told = {name: _template(auskunft, name) for name in _NAMES}
    return {
        **told,
        "auskunft.json": to_json(auskunft),
        "zugriffe.csv": accesses_csv(auskunft),
        "einwilligungen.csv": consents_csv(auskunft),
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
    tell = _Tell(language)
    page = _environment().get_template(template)
    text = page.render(
        a=auskunft,
        language=language,
        style=Markup(style),  # noqa: S704 our own packaged file
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        t=tell.text,
        x=tell.to,
        n=tell.number,
        day=tell.day,
        moment=tell.moment,
        glance=tell.glance(auskunft),
        signs=_SIGNS,
        command=VERIFY_COMMAND[language],
    )
    return text.encode()


@cache
def _environment() -> Environment:
    """Text templates hold no markup and nothing of a person, so only pages are escaped."""
    return Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


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

    def day(self, time: datetime) -> str:
        local = german_time(time)
        month = words().text("month", str(local.month)).to(self.language)
        return f"{local.day}{'.' if self.language == 'de' else ''} {month} {local.year}"

    def moment(self, time: datetime) -> str:
        return self.text("at", date=self.day(time), time=f"{german_time(time):%H:%M}")

    def glance(self, auskunft: Auskunft) -> tuple[str, ...]:
        """Out: the report in at most four sentences; what did not happen is not counted."""
        counts = {
            "glance_given": auskunft.count("given"),
            "glance_kept": auskunft.count("kept"),
            "glance_open": auskunft.count("open"),
            "glance_consents": sum(consent.valid for consent in auskunft.consents),
        }
        told = tuple(self.number(key, count) for key, count in counts.items() if count)
        asked = counts["glance_given"] + counts["glance_kept"] + counts["glance_open"]
        return told if asked else (self.text("glance_nothing"), *told)


# --- spreadsheets ---
def accesses_csv(auskunft: Auskunft) -> bytes:
    return _csv(
        (
            "Zeitpunkt (deutsche Zeit)",
            "Ergebnis",
            "Grund",
            "Behörde",
            "Abteilung",
            "Im Auftrag von",
            "Zweck",
            "Verfahren",
            "Aktenzeichen",
            "Register",
            "Nachweis",
            "Grundlage",
            "Rechtsnorm",
            "Weitergegeben",
            "Nicht weitergegeben",
            "Rolle",
            "Vorgang",
            "Stelle im Protokoll",
        ),
        (_access_row(entry) for entry in auskunft.entries),
    )


def _access_row(entry: Entry) -> tuple[str, ...]:
    return (
        _sortable(entry.time),
        entry.title.de,
        " ".join(reason.title.de for reason in entry.reasons),
        _name(entry.consumer),
        entry.consumer.part.de if entry.consumer and entry.consumer.part else "",
        _name(entry.on_behalf_of),
        _name(entry.purpose),
        _name(entry.procedure),
        entry.case or "",
        _name(entry.register),
        _name(entry.evidence),
        entry.basis.kind.title.de if entry.basis else "",
        (entry.basis.norm or "") if entry.basis else "",
        _list(entry.handed_over),
        _kept_back(entry.kept_back),
        _name(entry.concerned),
        entry.exchange or "",
        ", ".join(f"{place.origin} Zeile {place.index}" for place in entry.places),
    )


def consents_csv(auskunft: Auskunft) -> bytes:
    return _csv(
        (
            "Art",
            "Stand",
            "Empfänger",
            "Zweck",
            "Verfahren",
            "Aktenzeichen",
            "Register",
            "Nachweis",
            "Daten",
            "Rechtsnorm",
            "Gültig ab",
            "Gültig bis",
            "Genutzt",
            "Höchstens",
            "Aufgezeichnet von",
            "Kennung",
        ),
        (_consent_row(consent) for consent in auskunft.consents),
    )


def _consent_row(consent: Consent) -> tuple[str, ...]:
    return (
        consent.kind.title.de,
        consent.state.title.de,
        _name(consent.recipient),
        _name(consent.purpose),
        _name(consent.procedure),
        consent.case,
        _name(consent.register),
        _name(consent.evidence),
        _list(consent.fields),
        consent.norm,
        _sortable(consent.not_before),
        _sortable(consent.not_after),
        str(consent.uses),
        "" if consent.max_uses is None else str(consent.max_uses),
        _name(consent.recorded_by),
        consent.id,
    )


def _csv(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    """Out: RFC 4180 with semicolons and a byte order mark, as German spreadsheets open it."""
    sheet = StringIO(newline="")
    writer: Any = csv.writer(sheet, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return sheet.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """Out: the cell, never read as a formula (OWASP "CSV injection": a leading apostrophe)."""
    return f"'{cell}" if cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA) else cell


def _sortable(time: datetime) -> str:
    return f"{german_time(time):%Y-%m-%d %H:%M:%S}"


def _name(named: Named | None) -> str:
    return named.title.de if named else ""


def _list(names: Iterable[Named]) -> str:
    return ", ".join(name.title.de for name in names)


def _kept_back(items: Iterable[KeptBack]) -> str:
    """Out: each reason once, after what it keeps back."""
    by_rule: dict[str, list[KeptBack]] = {}
    for item in items:
        by_rule.setdefault(item.rule, []).append(item)
    return "; ".join(
        f"{_list(item.data for item in kept)} ({kept[0].why.de.rstrip('.')})" for kept in by_rule.values()
    )
