from __future__ import annotations

import json
from pathlib import Path

import pytest

from conductor_server.definitions import registry
from conductor_server.definitions.files import FileSource
from conductor_server.definitions.schema import json_schema
from conductor_server.model.errors import InvalidRequestError


def test_what_is_built_in_loads_like_any_plugin() -> None:
    assert list(registry.command_sources()) == [
        "cron",
        "dask",
        "manual",
        "ml_command",
        "python",
        "ray",
        "shell",
        "stored_procedure",
    ]
    assert list(registry.account_sources()) == ["file", "sql"]


def test_paths_are_for_files() -> None:
    (source,) = registry.definition_sources(["a.yaml", "files:b"], {})
    assert isinstance(source, FileSource)
    assert source.token == "files"


def test_an_unknown_kind_of_location_is_refused() -> None:
    with pytest.raises(
        InvalidRequestError, match="there is no definition source `git` for git:x; there are files"
    ):
        registry.definition_sources(["git:x"], {})


def test_the_schema_knows_every_key_and_source() -> None:
    schema = json_schema()
    definition = schema["$defs"]["Definition"]
    assert {"name", "reads_from", "retry_policy", "shell", "stored_procedure"} <= definition[
        "properties"
    ].keys()
    assert definition["properties"]["source"]["enum"] == list(registry.command_sources())
    assert {
        "if": {"properties": {"source": {"const": "cron"}}, "required": ["source"]},
        "then": {"required": ["cron"]},
    } in definition["allOf"]
    assert set(schema["properties"]) == {
        "version",
        "accounts",
        "matrices",
        "pools",
        "defaults",
        "definitions",
    }
    assert "listed" not in json.dumps(schema)


def test_the_schema_is_the_same_every_time(tmp_path: Path) -> None:
    assert json.dumps(json_schema()) == json.dumps(json_schema())
