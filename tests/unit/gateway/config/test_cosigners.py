"""Witnesses and auditors are named in einmal.toml with their own kind of key, or the home is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from consent.vocabulary import Problem
from gateway.audit.note import Signer
from gateway.config.home import load_settings
from gateway.errors import ConfigurationFault

EINMAL: Final = """[authority]
name = "musterstadt.example"
title = { de = "Stadt Musterstadt", en = "Town of Musterstadt" }
audience = "einmal.musterstadt.example"
"""
DSB: Final = Signer.from_seed("dsb.example/einmal", b"\x31" * 32)
NEIGHBOUR: Final = Signer.from_seed("nachbarstadt.example", b"\x32" * 32)


def named(kind: str, name: str, vkey: str) -> str:
    """Out: the lines of einmal.toml that name somebody."""
    return f'[[log.{kind}]]\nname = "{name}"\nvkey = "{vkey}"\n'


def problems(folder: Path, *more: str) -> tuple[Problem, ...]:
    (folder / "einmal.toml").write_text(EINMAL + "".join(more), "utf-8")
    with pytest.raises(ConfigurationFault) as wrong:
        load_settings(folder)
    return wrong.value.problems


def test_auditors_and_witnesses_are_read(tmp_path: Path) -> None:
    """Each with the key it signs with; a witness may have an address."""
    auditor, witness = (
        named("auditor", "Datenschutz", DSB.cosigner.vkey),
        named("witness", "Nachbarstadt", NEIGHBOUR.cosigner.vkey),
    )
    text = EINMAL + auditor + witness + 'url = "https://nachbarstadt.example/witness"\n'
    (tmp_path / "einmal.toml").write_text(text, "utf-8")
    log = load_settings(tmp_path).log
    assert [(one.name, one.verifier) for one in log.auditor] == [("Datenschutz", DSB.cosigner)]
    assert [(one.verifier, one.url) for one in log.witness] == [
        (NEIGHBOUR.cosigner, "https://nachbarstadt.example/witness")
    ]


def test_a_witness_on_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    """Nobody can read along there; and a quorum is as large as there are witnesses to ask."""
    witness = named("witness", "Nachbarstadt", NEIGHBOUR.cosigner.vkey) + 'url = "http://127.0.0.1:8/w"\n'
    (tmp_path / "einmal.toml").write_text(f"{EINMAL}[log]\nwitness_quorum = 1\n{witness}", "utf-8")
    log = load_settings(tmp_path).log
    assert (log.witness[0].url, log.witness_quorum) == ("http://127.0.0.1:8/w", 1)


@pytest.mark.parametrize("kind", ["auditor", "witness"])
@pytest.mark.parametrize("header", ["[log.{kind}]", "[[{kind}]]", "[{kind}]"])
def test_a_header_that_is_not_quite_right_is_told_whole(header: str, kind: str, tmp_path: Path) -> None:
    """As it must stand in the file, so that what is copied from the mend is right at once."""
    right = named(kind, "Datenschutz", DSB.cosigner.vkey)
    written = header.format(kind=kind)
    (found,) = problems(tmp_path, right.replace(f"[[log.{kind}]]", written))
    assert (found.line, found.mend) == (5, f"Write it as [[log.{kind}]].")
    (tmp_path / "einmal.toml").write_text(EINMAL + right, "utf-8")
    assert len(getattr(load_settings(tmp_path).log, kind)) == 1


def test_a_header_of_nothing_like_it_is_only_unknown(tmp_path: Path) -> None:
    """A key that is no table, and a table that belongs nowhere, get no header."""
    assert "[[" not in problems(tmp_path, "[[auditing]]\nx = 1\n")[0].mend
    (tmp_path / "einmal.toml").write_text(f"auditor = 1\n{EINMAL}", "utf-8")
    with pytest.raises(ConfigurationFault) as wrong:
        load_settings(tmp_path)
    assert "[[" not in wrong.value.problems[0].mend


def test_nobody_need_be_named(tmp_path: Path) -> None:
    """A home without them has none."""
    (tmp_path / "einmal.toml").write_text(EINMAL, "utf-8")
    assert (load_settings(tmp_path).log.auditor, load_settings(tmp_path).log.witness) == ((), ())


WRONG: Final = {
    "a log's key": (named("auditor", "A", DSB.verifier.vkey), 7, "log.auditor[0].vkey", "is no key of a"),
    "a fingerprint": (named("witness", "A", "0" * 64), 7, "log.witness[0].vkey", "is no vkey"),
    "a mistyped key": (
        named("witness", "A", DSB.cosigner.vkey.replace("dsb", "dbs")),
        7,
        "log.witness[0].vkey",
        "is no vkey",
    ),
    "nobody's key": ('[[log.auditor]]\nname = "A"\n', 5, "log.auditor[0].vkey", "is missing"),
    "an unknown word": (
        named("auditor", "A", DSB.cosigner.vkey) + 'url = "https://a.example"\n',
        8,
        "log.auditor[0].url",
        "is unknown",
    ),
    "no address": (
        named("witness", "A", DSB.cosigner.vkey) + 'url = "nachbarstadt"\n',
        8,
        "log.witness[0].url",
        "has a form",
    ),
    "an address that anybody can read along": (
        named("witness", "A", DSB.cosigner.vkey) + 'url = "http://nachbarstadt.example"\n',
        8,
        "log.witness[0].url",
        "is not encrypted",
    ),
    "an address with a password": (
        named("witness", "A", DSB.cosigner.vkey) + 'url = "https://a:b@nachbarstadt.example"\n',
        8,
        "log.witness[0].url",
        "has a name or password",
    ),
    "an address that is none": (
        named("witness", "A", DSB.cosigner.vkey) + 'url = "https://a:b@nachbarstadt／x"\n',
        8,
        "log.witness[0].url",
        "is no URL",
    ),
    "a quorum of nobody": (
        "[log]\nwitness_quorum = 1\n" + named("witness", "A", DSB.cosigner.vkey),
        6,
        "log.witness_quorum",
        "wants 1 witnesses where 0 can be asked",
    ),
    "a name twice": (
        named("auditor", "A", DSB.cosigner.vkey) + named("auditor", "A", NEIGHBOUR.cosigner.vkey),
        5,
        "log.auditor",
        "has a name twice",
    ),
    "a key twice": (
        named("witness", "A", DSB.cosigner.vkey) + named("witness", "B", DSB.cosigner.vkey),
        5,
        "log.witness",
        "has a vkey twice",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_told_with_their_place(case: str, tmp_path: Path) -> None:
    """File, line, key, what is wrong and a mend."""
    text, line, key, wrong = WRONG[case]
    (found,) = problems(tmp_path, text)
    assert (found.file, found.line, found.key) == ("einmal.toml", line, key)
    assert found.wrong.startswith(wrong)
    assert found.mend
