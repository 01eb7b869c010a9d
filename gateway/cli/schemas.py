"""`einmal schemas`: which standards are here, adding one, judging messages by them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from gateway.cli import console
from gateway.config.home import load_settings
from xoev_schemas import rules, safe_xml, sets
from xoev_schemas.catalogue import Catalogue, MessageKey
from xoev_schemas.findings import Finding
from xoev_schemas.safe_xml import Limits, Unsafe

_UNLIMITED_ENOUGH: Final = Limits(50_000_000, 255, 5_000_000, 1024, 50_000_000)
"""An administrator's own files; still no DTD, no entity, no network."""


_Judged: TypeAlias = tuple[Path, str, str, tuple[Finding, ...]]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Standards: which are here, add one, judge messages.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("validate")(validate)
    app.add_typer(group, name="schemas")


def list_(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every message that can be judged here, and its set."""
    catalogue = _catalogue(home)
    listed = catalogue.keys()
    rows = [(source, key.namespace, key.root, key.version) for key, source in listed]
    if as_json:
        names = ("set", "namespace", "message", "version")
        console.as_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        console.table(("set", "namespace", "message", "version"), rows)
    for flaw in catalogue.flaws:
        console.error(str(flaw))
    if catalogue.flaws:
        console.no()


def add(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A folder or ZIP with the standard's XSD files.")
    ],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Install a standard's schemas. Imports are resolved among the installed files, never from the network."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        added = sets.install(path, folder, _catalogue(home).flaws_with)
    except sets.Unusable as wrong:
        for flaw in wrong.flaws:
            console.error(f"{flaw}.")
        console.no()
    if as_json:
        console.as_json({"set": added.name, "files": sorted(map(str, added.files))})
    else:
        console.say(f"{added.name} is installed: {console.count(len(added.files), 'file')}.")


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="XML messages.")],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """VALID, WARN, INVALID or UNKNOWN for each file, and why. No value of a message is printed."""
    catalogue = _catalogue(home)
    judged, unread = list[_Judged](), list[OSError]()
    for file in files:
        try:
            judged.append((file, *_judge(file.read_bytes(), catalogue)))
        except OSError as error:
            unread.append(error)
    if as_json:
        console.as_json([_told(*one) for one in judged])
    for file, verdict, named, found in () if as_json else judged:
        console.say(f"{verdict} {named} {file}", {"VALID": "green", "WARN": "yellow"}.get(verdict, "red"))
        for finding in found:
            console.say(f"  {finding.rule} {finding.path} {finding.text}")
    for missing in unread:
        console.error(f"{missing.filename}: {missing.strerror}.")
    if unread:
        raise typer.Exit(console.ENVIRONMENT)
    if any(verdict not in ("VALID", "WARN") for _, verdict, _, _ in judged):
        console.no()


def _told(file: Path, verdict: str, named: str, found: tuple[Finding, ...]) -> dict[str, object]:
    standard, version, message = named.split(" ", 2)
    return {
        "file": str(file),
        "verdict": verdict,
        "standard": standard,
        "version": version,
        "message": message,
        "findings": [
            {"rule": one.rule, "path": one.path, "text": one.text, "severity": one.severity} for one in found
        ],
    }


def _judge(body: bytes, catalogue: Catalogue) -> tuple[str, str, tuple[Finding, ...]]:
    """Out: the verdict, `<standard> <version> <message>`, what was found."""
    try:
        root = safe_xml.parse(body, _UNLIMITED_ENOUGH)
    except Unsafe as unsafe:
        place = f"line {unsafe.line}" if unsafe.line else "the file"
        return "INVALID", "- - -", (Finding(unsafe.code, place, "is no XML that can be read safely"),)
    key = MessageKey.of(root)
    listed = catalogue.find(key)
    named = f"{listed.set if listed else key.namespace or '-'} {key.version or '-'} {key.root}"
    if listed is None:
        return "UNKNOWN", named, ()
    found = () if listed.schema.valid(root) else listed.schema.explain(root)
    if found:
        return "INVALID", named, found
    broken = rules.check(root, rules.XOEV)
    return ("INVALID" if rules.rejected(broken) else "WARN" if broken else "VALID"), named, broken


def _catalogue(home: Path) -> Catalogue:
    return Catalogue((*sets.packaged(), *sets.installed(_folder(home))))


def _folder(home: Path) -> Path:
    return home / load_settings(home).schemas.path
