"""What every process of the house reads at its start and never changes: read once, before they are forked."""

from __future__ import annotations

from xoev_schemas import standards

standards.packaged()
