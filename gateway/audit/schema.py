"""The JSON Schema of events, as the file beside this module: `python -m gateway.audit.schema` prints it.

A test holds file and types in step.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import Any, Final

from gateway.audit import record

FILE: Final = "event-v1.schema.json"


def render() -> str:
    """Out: the schema as the types have it, as the file's text."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:einmal:event:1",
        "title": "Event of the Einmal log, version 1",
        **_without_null(record.ANY_EVENT.json_schema(mode="serialization")),
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _without_null(node: Any) -> Any:
    """Out: the schema with absent keys for null ones: what an event leaves out is not there (LOG.md 5)."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(value) for key, value in node.items() if key not in ("default", "title")}
    branches = kept.get("anyOf")
    if isinstance(branches, list) and {"type": "null"} in branches:
        (only,) = (branch for branch in branches if branch != {"type": "null"})
        del kept["anyOf"]
        kept = {**only, **kept}
    if "kind" in kept.get("properties", {}) and "v" in kept["properties"]:
        kept["required"] = sorted({"v", "kind", *kept.get("required", [])})
    return kept


def packaged() -> str:
    """Out: the file's text as it is packaged."""
    return (files("gateway.audit") / FILE).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(render())
