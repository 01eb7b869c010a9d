"""What story.toml says: matters, and the scenes in which they come up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Deed: TypeAlias = Literal["empowers", "decides", "submits", "asks", "withdraws"]
_DEEDS: Final[tuple[Deed, ...]] = ("empowers", "decides", "submits", "asks", "withdraws")
_YES: Final[Mapping[Deed, str]] = {
    "empowers": "given",
    "decides": "given",
    "submits": "recorded",
    "asks": "answered",
    "withdraws": "withdrawn",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Matter(_Part):
    """What an office wants, about whom and on which basis."""

    consumer: str
    on_behalf_of: str | None = None
    language: Literal["xeinmal/1.0", "json/1.0"]
    register_: Annotated[str, Field(alias="register")]
    evidence: str
    purpose: str
    procedure: str
    case: str
    basis: Literal["choice", "consent", "statutory"]
    norm: str
    who: str
    """One of the cast."""
    by: Literal["idnr", "name"] = "idnr"
    as_parent: bool = False
    """Whether Anna acts for them."""
    max_uses: int | None = None
    fields_: Annotated[tuple[str, ...], Field(alias="fields")] = ()
    values: Mapping[str, str] = {}
    replaces: Mapping[str, str] = {}

    def but(self, changed: Mapping[str, Any]) -> Matter:
        """Out: the same matter with some of it changed."""
        return Matter.model_validate(self.model_dump(by_alias=True) | dict(changed))

    def wanted(self) -> tuple[str, ...]:
        """Out: the fields it is about."""
        return self.fields_ or tuple(self.values)


class Act(_Part):
    """One message: what is done about which matter (for `empowers`: for whom), and what should come of it."""

    empowers: str | None = None
    decides: str | None = None
    submits: str | None = None
    asks: str | None = None
    withdraws: str | None = None
    but: Mapping[str, Any] = {}
    expects: str = ""

    @model_validator(mode="after")
    def _one_deed(self) -> Act:
        if sum(getattr(self, deed) is not None for deed in _DEEDS) != 1:
            raise ValueError("an act is one deed")
        return self

    @property
    def deed(self) -> Deed:
        return next(deed for deed in _DEEDS if getattr(self, deed) is not None)

    @property
    def about(self) -> str:
        """The matter's name, or the child's."""
        return str(getattr(self, self.deed))

    @property
    def expected(self) -> str:
        return self.expects or _YES[self.deed]


class Scene(_Part):
    title: str
    text: str
    acts: tuple[Act, ...]


class Chapter(_Part):
    title: str
    scene: tuple[Scene, ...]


class Script(_Part):
    """story.toml"""

    matter: Mapping[str, Matter]
    chapter: tuple[Chapter, ...]

    def matter_of(self, act: Act) -> Matter:
        """Out: what an act is about, as it is there."""
        return self.matter[act.about].but(act.but)


def read() -> Script:
    """Out: the story of this package."""
    return Script.model_validate(tomllib.loads(files(__package__).joinpath("story.toml").read_text("utf-8")))
