"""The policy's plain words for the citizen's view, by code."""

from __future__ import annotations

from collections.abc import Sequence

from consent.parties import Title
from consent.policy import Policy
from gateway.audit.retention import Rule, Until
from gateway.views.auskunft import Office, Titles
from gateway.views.words import Text


def titles(policy: Policy, authority: Title, rules: Sequence[Rule] = ()) -> Titles:
    """In: the current policy, the authority's own name, by which law each class is kept."""
    return Titles(
        authority=_text(authority),
        consumers={
            item.id: Office(_text(item.title), _text(item.department) if item.department else None)
            for item in policy.consumers.values()
        },
        registers={
            item.id: Office(_text(item.title), _text(item.authority)) for item in policy.registers.values()
        },
        evidence={
            kind.type: _text(kind.title) for item in policy.registers.values() for kind in item.evidence
        },
        purposes={item.code: _text(item.title) for item in policy.purposes.values()},
        procedures={item.code: _text(item.title) for item in policy.procedures.values()},
        filing=frozenset(grant.id for grant in policy.grants.values() if grant.write),
        secrecy={grant.id: grant.exempt for grant in policy.grants.values() if grant.exempt is not None},
        calendar_year=frozenset(rule.retention for rule in rules if rule.until is Until.CALENDAR_YEAR),
    )


def _text(title: Title) -> Text:
    return Text(title.de, title.en)
