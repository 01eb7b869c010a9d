"""By which law the lines of a class are kept, and for how long, as einmal.toml says (LOG.md 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from consent.parties import Table, Text
from consent.problems import mistake
from gateway.audit.retention import Rule, Until

RetentionClass: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}m$")]
"""A retention period in months, as in LOG.md 5: `24m`."""


class Keeping(Table):
    """One class: `[[retention]]`."""

    class_: Annotated[RetentionClass, Field(alias="class")]
    norm: Annotated[Text, Field(max_length=200)]
    months: Annotated[int, Field(gt=0)]
    until: Literal["day", "calendar-year"] = "day"

    @field_validator("months")
    @classmethod
    def _fits(cls, months: int, info: ValidationInfo) -> int:
        """A reader reckons from the class's name what may be gone (docs/decisions/0021)."""
        named = info.data.get("class_")
        if named is not None and named != f"{months}m":
            mistake(f"does not fit the class {named}", f"Write months = {named[:-1]}, or another class.")
        return months

    @property
    def rule(self) -> Rule:
        """Out: the rule."""
        return Rule(self.class_, self.norm, self.months, Until(self.until))


DEFAULTS: Final = {
    rule.retention: rule for rule in (Rule("24m", "IDNrG § 9", 24), Rule("12m", "BMG § 40", 12))
}
"""The rules of classes that einmal.toml says nothing else of."""


def rules(classes: Sequence[str], said: Sequence[Keeping]) -> tuple[Rule, ...]:
    """Out: the rule of each class, in their order."""
    found = DEFAULTS | {one.class_: one.rule for one in said}
    return tuple(found[name] for name in classes)


def fitting(said: tuple[Keeping, ...], classes: Sequence[str]) -> tuple[Keeping, ...]:
    """Out: the same; every class has one rule, and every rule a class."""
    named = [one.class_ for one in said]
    for name in dict.fromkeys(named):
        if named.count(name) > 1:
            mistake(f"has two rules for the class {name}", "A class has one: keep one of them.")
        if name not in classes:
            mistake(f"has a rule for the class {name}, which log.classes does not list", "Add it there.")
    for name in classes:
        if name not in named and name not in DEFAULTS:
            mistake(
                f"has no rule for the class {name}",
                f'Add [[retention]] with class = "{name}", norm and months = {name[:-1]}.',
            )
    return said
