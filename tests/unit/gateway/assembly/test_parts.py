"""The single parts of a house: what can't be built is told with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from law_sample import documents, sample

from gateway.assembly.parts import register
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault

SETTINGS = Einmal.model_validate(
    {"authority": {"name": "musterstadt.example", "title": {"de": "M", "en": "M"}, "audience": "x"}}
)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (
            {"url": "sqlite:///x", "table": "t", "key": "k", "match": {"birth_date": "b", "idnr": "i"}},
            "blocked",
        ),
        ({}, "url"),
        (None, "sql"),
    ],
)
def test_a_law_of_another_version_lacks_what_this_one_wants(
    tmp_path: Path, table: dict[str, object] | None, key: str
) -> None:
    """The law in force was checked by the version that adopted it: its register is told to be wrong, as one that can't
    be connected is, and not met as a mistake of the program's own."""
    (found,) = (one for one in documents() if one.data.get("id") == "melderegister")
    data = {**found.data, "adapter": "sql", "sql": table}
    if table is None:
        del data["sql"]
    with pytest.raises(ConfigurationFault) as wrong:
        register(tmp_path, SETTINGS, sample().registers["melderegister"], replace(found, data=data))
    assert key in {problem.key.rpartition(".")[2] for problem in wrong.value.problems}
