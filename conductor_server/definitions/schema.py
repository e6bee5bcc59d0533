"""The JSON Schema of a declaration file, for editors."""

from __future__ import annotations

from typing import Any

from conductor_server.definitions import registry
from conductor_server.definitions.shape import file_shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The whole file, with the spec of every installed source; the same again for the same plugins."""
    schema = file_shape().model_json_schema()
    definition = schema["$defs"]["Definition"]
    definition["allOf"] = [
        {
            "if": {"properties": {"source": {"const": source}}, "required": ["source"]},
            "then": {"required": [source]},
        }
        for source, spec in registry.command_sources().items()
        if spec.model_json_schema().get("required")
    ]
    definition["properties"]["source"]["enum"] = list(registry.command_sources())
    definition["required"] = ["name"]  # `source` may stand in the defaults
    return {"$schema": DIALECT, **_sorted(schema | {"title": "Conductor declarations"})}


def _sorted(value: Any) -> Any:
    """The same with keys in alphabetical order, so that nothing but a change changes it."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
