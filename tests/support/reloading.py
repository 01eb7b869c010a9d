"""Questions while the law changes: each has a decision of its own, so that only the law can be why it is refused."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from letters import asking
from peopled import ORDINARY
from town import IDS, Town

from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply

GRANT: Final = "grants/wohngeld.toml"
ID: Final = "wohngeld-residence"


async def question(town: Town, **changed: Any) -> Outbound:
    """Out: what housing benefit asks about a person who has decided for it."""
    asked = town.asks(ORDINARY, **({"case": f"WG-{IDS.new()}"} | changed))
    await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


async def answered(town: Town, request: Outbound) -> dict[str, Any]:
    """Out: what the house says to a message."""
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    return dict(json.loads(result.message.body))


def keep_only(town: Town, person: str, until: str) -> None:
    """That person's key ends then."""
    file = town.root / f"people/{person}.toml"
    text = re.sub("(?m)^valid_to = .*$", f"valid_to = {until}", file.read_text("utf-8"))
    file.write_text(text, "utf-8")
