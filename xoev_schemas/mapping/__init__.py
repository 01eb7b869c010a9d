"""Declarative two-way mapping between XML messages and records; README.md here is its language."""

from xoev_schemas.mapping.compiled import Mapping
from xoev_schemas.mapping.errors import MappingError, MappingInvalid

__all__ = ["Mapping", "MappingError", "MappingInvalid"]
