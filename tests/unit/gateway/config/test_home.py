"""A home is loaded whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from law_sample import NOW
from law_texts import TEXTS, key_of
from signed import ed25519_jwk

from consent.policy import from_archive
from consent.vocabulary import Problem
from gateway import jws
from gateway.config.home import load
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault

EINMAL: Final = """test_identities = true
[authority]
name = "musterstadt.example"
title = { de = "Stadt Musterstadt", en = "Town of Musterstadt" }
audience = "einmal.musterstadt.example"
"""
GRANTS: Final = "grants/wohngeld.toml"
REGISTER: Final = "registers/melderegister.toml"
SEEDS: Final = {"leitung": 1, "datenschutz": 2, "betrieb": 3, "buergerportal": 4, "wohngeldstelle": 5}
CONNECTION: Final = """[sql]
blocked = false
url = "sqlite:///registers/personenstandsregister.sqlite3"
table = "birth"
key = "id"
[sql.match]
idnr = "idnr"
birth_date = "geburtsdatum"
"""


def key(name: str) -> jws.SigningKey:
    return jws.signing_key(name, ed25519_jwk(SEEDS.get(name, 9)))


def texts() -> dict[str, str]:
    """Out: the sample's files with real keys, settings, and both registers connected."""
    files = {"einmal.toml": EINMAL}
    for file, text in TEXTS.items():
        name = file.rpartition("/")[2].removesuffix(".toml")
        files[file] = text.replace(key_of(name), jws.public_jwk(key(name))["x"])
    other = "registers/personenstandsregister.toml"
    files[other] = files[other].replace("[[evidence]]", CONNECTION + "[[evidence]]", 1)
    return files


def write(
    home: Path, files: Mapping[str, str], signers: tuple[str, ...] = ("leitung", "datenschutz")
) -> Path:
    for file, text in files.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text, "utf-8")
    if signers:
        signed = jws.sign_file((home / GRANTS).read_bytes(), [key(name) for name in signers])
        (home / GRANTS).with_suffix(".sig").write_text(signed, "utf-8")
    return home


def problems(home: Path) -> list[Problem]:
    with pytest.raises(ConfigurationFault) as fault:
        load(home, verify, NOW)
    found = list(fault.value.problems)
    assert found == sorted(found, key=lambda item: (item.file, item.line or 0, item.key, item.wrong))
    return found


def test_a_home_is_its_settings_its_law_and_its_registers(tmp_path: Path) -> None:
    """With the defaults of every limit, and the adapter's own table for the adapter."""
    home = load(write(tmp_path, texts()), verify, NOW)
    assert home.settings.authority.audience == "einmal.musterstadt.example"
    assert home.settings.limits.body_bytes == 2_000_000
    assert home.settings.log.classes == home.policy.settings.retention_classes == ("24m", "12m")
    assert home.policy.settings.test_identities
    assert set(home.policy.grants) == {"wohngeld-residence"}
    assert home.registers["melderegister"]["sql"]["table"] == "person"
    assert home.documents[REGISTER].locate(("sql", "table")) == 8


def test_the_archive_of_a_home_is_its_policy(tmp_path: Path) -> None:
    """With the true signatures, checked again."""
    home = load(write(tmp_path, texts()), verify, NOW)
    assert from_archive(home.policy.archived, verify, NOW) == home.policy


def test_another_database_is_another_policy_only_by_its_file(tmp_path: Path) -> None:
    """einmal.toml's machinery is not law: its limits leave the hash as it is."""
    before = load(write(tmp_path, texts()), verify, NOW).policy.hash
    files = texts()
    files["einmal.toml"] += "[limits]\nattempts = 9\n"
    assert load(write(tmp_path, files), verify, NOW).policy.hash == before


def test_an_empty_home_has_an_empty_law(tmp_path: Path) -> None:
    """Settings alone are a home that grants nothing."""
    assert not load(write(tmp_path, {"einmal.toml": EINMAL}, ()), verify, NOW).policy.grants


def test_a_folder_that_is_no_home_is_told(tmp_path: Path) -> None:
    """Without einmal.toml there is nothing to load."""
    assert [(found.file, found.key) for found in problems(tmp_path)] == [("einmal.toml", "(file)")]


MISTAKES: Final = [
    # file, what is there, what it becomes, line, key, what is wrong
    ("einmal.toml", "audience", "audiense", 5, "authority.audiense", "is unknown"),
    ("einmal.toml", "[authority]", "[authorty]", 2, "authorty", "is unknown"),
    ("einmal.toml", "musterstadt.example", "Muster Stadt", 3, "authority.name", "has a form"),
    ("einmal.toml", "true", '"true"', 1, "test_identities", "should be true or false"),
    ("einmal.toml", EINMAL, EINMAL + "[limits]\nattempts = 0\n", 7, "limits.attempts", "greater than 0"),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + "[limits]\nreply_keep_days = 11\n",
        7,
        "limits.reply_keep_days",
        "less than",
    ),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + "[limits]\nno_data_slot_milliseconds = 0\n",
        7,
        "limits.no_data_slot_milliseconds",
        "greater than 0",
    ),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + "[limits]\nretry_first_seconds = 9\nretry_most_seconds = 8\n",
        8,
        "limits.retry_most_seconds",
        "is less than",
    ),
    ("einmal.toml", EINMAL, EINMAL + '[log]\ndefault_class = "36m"\n', 7, "log.default_class", "not one of"),
    ("einmal.toml", EINMAL, EINMAL + '[log]\nclasses = ["24m", "24m"]\n', 7, "log.classes", "twice"),
    ("einmal.toml", EINMAL, EINMAL + '[log]\nclasses = ["2y"]\n', 7, "log.classes[0]", "has a form"),
    ("einmal.toml", EINMAL, EINMAL + '[bus]\nkind = "embeded"\n', 7, "bus.kind", "allowed words"),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + '[storage]\nurl = "postgresql://einmal:geheim@db/einmal"\n',
        7,
        "storage.url",
        "has a password in it",
    ),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + '[storage]\nurl = "postgresql://einmal@db/einmal?password=geheim"\n',
        7,
        "storage.url",
        "has a password in it",
    ),
    (
        "einmal.toml",
        EINMAL,
        EINMAL + '[storage]\nurl = "postgresql://einmal:pass@w:geheim@db/einmal"\n',
        7,
        "storage.url",
        "is no database URL",
    ),
    (REGISTER, 'adapter = "sql"', 'adapter = "sqll"', 4, "adapter", "is no adapter"),
    (REGISTER, 'table = "person"', 'tabel = "person"', 8, "sql.tabel", "is unknown"),
    (REGISTER, 'blocked = "sperre"\n', "", 6, "sql.blocked", "is missing"),
    (REGISTER, 'idnr = "idnr"', 'idnr = ""', 12, "sql.match.idnr", "is empty"),
    (REGISTER, 'idnr = "idnr"\n', "", 11, "sql.match", "identifies nobody"),
    (
        REGISTER,
        "sqlite:///registers/melderegister.sqlite3",
        "mysql://a:b@c/d",
        7,
        "sql.url",
        "has a password",
    ),
    (REGISTER, "sqlite:///registers/melderegister.sqlite3", "nowhere", 7, "sql.url", "is no database URL"),
    (REGISTER, '"religion"]', '"religon"]', 18, "evidence[0].special", "'religon' is unknown"),
    (GRANTS, "norm =", "nrom =", 10, "grant[0].nrom", "is unknown"),
    ("people/betrieb.toml", 'x = "', 'x = "A', 5, "jwk.x", "has a form"),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "key", "wrong"), MISTAKES)
def test_each_mistake_is_told_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, line: int, key: str, wrong: str
) -> None:
    """File, line, key, what is wrong and the mend; and no word of a secret."""
    files = texts()
    assert old in files[file]
    found = problems(write(tmp_path, {**files, file: files[file].replace(old, new, 1)}))
    assert any(
        (one.file, one.line, one.key) == (file, line, key) and wrong in one.wrong and one.mend
        for one in found
    ), [str(one) for one in found]
    assert "geheim" not in str(found)


def test_a_key_that_is_no_point_of_its_curve_is_told(tmp_path: Path) -> None:
    """A public key must be one, not only look like one."""
    files = texts()
    for name, file in (
        ("betrieb", "people/betrieb.toml"),
        ("wohngeldstelle", "consumers/wohngeldstelle.toml"),
    ):
        files[file] = files[file].replace(jws.public_jwk(key(name))["x"], name.rjust(43, "A"))
    found = problems(write(tmp_path, files))
    assert [(one.file, one.key) for one in found] == [
        ("consumers/wohngeldstelle.toml", "key[0].jwk"),
        ("people/betrieb.toml", "jwk"),
    ]


def test_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Settings, law, connections and signatures in one go."""
    files = texts()
    files["einmal.toml"] = EINMAL.replace("audience", "audiense")
    files[REGISTER] = files[REGISTER].replace("table =", "tabel =")
    files["purposes.toml"] = "half = "
    found = {one.file for one in problems(write(tmp_path, files, ("leitung",)))}
    assert found == {"einmal.toml", REGISTER, "purposes.toml", GRANTS}


# --- signatures -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("signers", "wrong"),
    [
        ((), "is not signed"),
        (("leitung",), "lacks the signature of an approver"),
        (("datenschutz",), "lacks the signature of a register owner"),
        (("leitung", "betrieb"), "lacks the signature of an approver"),
        (("leitung", "niemand"), "nobody in people/"),
    ],
)
def test_a_file_without_both_signatures_grants_nothing(
    tmp_path: Path, signers: tuple[str, ...], wrong: str
) -> None:
    """A register owner's and an approver's, of people this home knows."""
    found = problems(write(tmp_path, texts(), signers))
    assert [one.file for one in found] == [GRANTS]
    assert wrong in found[0].wrong


Change = Callable[[bytes], bytes]
CHANGES: Final[Mapping[str, Change]] = {
    "a comment more": lambda raw: raw + b"# ",
    "a line end less": lambda raw: raw[:-1],
    "windows line ends": lambda raw: raw.replace(b"\n", b"\r\n"),
    "a field more": lambda raw: raw.replace(b'"town"', b'"town", "sex"'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_unsigns_a_file(tmp_path: Path, change: Change) -> None:
    """The signatures are over the bytes, not over what they mean."""
    write(tmp_path, texts())
    (tmp_path / GRANTS).write_bytes(change((tmp_path / GRANTS).read_bytes()))
    found = problems(tmp_path)
    assert [one.file for one in found] == [GRANTS]
    assert "the file was changed since" in found[0].wrong


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"signatures": []}', b"[" * 9000])
def test_a_signature_file_that_is_none_grants_nothing(tmp_path: Path, content: bytes) -> None:
    """Whatever is in it."""
    write(tmp_path, texts())
    (tmp_path / GRANTS).with_suffix(".sig").write_bytes(content)
    assert [one.file for one in problems(tmp_path)] == [GRANTS]


def test_one_person_under_two_names_is_caught_by_their_key(tmp_path: Path) -> None:
    """Two people have two keys."""
    files = texts()
    owner, approver = (jws.public_jwk(key(name))["x"] for name in ("leitung", "datenschutz"))
    files["people/datenschutz.toml"] = files["people/datenschutz.toml"].replace(approver, owner)
    write(tmp_path, files)
    keys = [key("leitung"), jws.signing_key("datenschutz", ed25519_jwk(SEEDS["leitung"]))]
    signed = jws.sign_file((tmp_path / GRANTS).read_bytes(), keys)
    (tmp_path / GRANTS).with_suffix(".sig").write_text(signed, "utf-8")
    assert any("public key" in one.wrong for one in problems(tmp_path))


# --- files that look like law ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        ("grants/old.sig", "signs a file that is not there"),
        ("grants/wohngeld.toml.bak", "does not count"),
        ("grants/2026/more.toml", "does not count"),
        ("consumers/x.json", "does not count"),
        ("people/x y.toml", "unfit name"),
    ],
)
def test_what_would_silently_not_count_is_told(tmp_path: Path, file: str, wrong: str) -> None:
    """A file that somebody may take for law."""
    found = problems(write(tmp_path, {**texts(), file: "x"}))
    assert [one.wrong for one in found if wrong in one.wrong], found


def test_what_is_no_law_may_lie_beside_it(tmp_path: Path) -> None:
    """Notes, hidden files, and a register's database."""
    more = {"grants/README.md": "x", "people/.keep": "", "registers/melderegister.sqlite3": "x"}
    load(write(tmp_path, {**texts(), **more}), verify, NOW)


def test_a_grant_that_links_out_of_the_home_is_not_read(tmp_path: Path) -> None:
    """What is signed and archived lies in the home."""
    home = tmp_path / "home"
    write(home, texts())
    outside = tmp_path / "outside.toml"
    (home / GRANTS).rename(outside)
    (home / GRANTS).symlink_to(outside)
    assert [(one.file, one.wrong) for one in problems(home)] == [(GRANTS, "is a link out of the home")]
