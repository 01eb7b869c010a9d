"""Who compares kept receipts with a house's log."""

from __future__ import annotations

from adapters.storage.exchanges import SqlExchanges
from gateway.assembly.house import Opened
from gateway.proving.reconciling import Ours, Reconciliation, Scope


def reconciliation(opened: Opened, scope: Scope) -> Reconciliation:
    """In: an opened house, what is to be compared. Out: one comparison."""
    settings = opened.home.settings
    rules = {rule.retention: rule for rule in settings.rules}
    ours = Ours(settings.authority.name, opened.keys.find, rules)
    return Reconciliation(ours, SqlExchanges(opened.store), scope, opened.house.clock.now())
