from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_server.definitions import documents, json_files, yaml_files
from conductor_server.model.errors import DefinitionError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
VALUES = st.recursive(
    SCALARS | TEXT, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4)
)


def parsed(text: str) -> Any:
    return yaml_files.parse(text, origin="f.yaml").value


def refusal(text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        parsed(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2026-11-20", "2026-11-20"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("<<", "<<"),
        ("=", "="),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("0o17", 15),
        ("0x1F", 31),
        ("+12", 12),
        ("0", 0),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("TRUE", True),
        ("false", False),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ('"010"', "010"),
        ("{no: 1, 1: 2, null: 3}", {"no": 1, "1": 2, "null": 3}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = parsed(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: 010",
            'f.yaml:1:4: 010 may mean one number or another\n    remedy: write 10 for the number, "010" for the text',
            id="leading-zero",
        ),
        pytest.param(
            "a: &x 1\nb: *x",
            "f.yaml:1:4: anchors such as &x are not used here\n"
            "    remedy: write what it stands for where it is used, or use `defaults`",
            id="anchor",
        ),
        pytest.param(
            "a: *x", "f.yaml:1:4: aliases such as *x are not used here\n    remedy: write it out", id="alias"
        ),
        pytest.param(
            "a: !!python/object:os.system x",
            "f.yaml:1:4: tags such as tag:yaml.org,2002:python/object:os.system are not used here\n"
            "    remedy: put text in quotes",
            id="tag",
        ),
        pytest.param(
            "a: 1\n---\nb: 1",
            "f.yaml:2:1: there is a second document in this file\n    remedy: split it",
            id="second",
        ),
        pytest.param(
            "[a]: 1", "f.yaml:1:1: a key must be text\n    remedy: write key: value", id="complex-key"
        ),
        pytest.param(
            "a:\n\t- b",
            "f.yaml:2:1: this is not YAML: found character that cannot start any token "
            "while scanning for the next token",
            id="tab",
        ),
        pytest.param(
            "a: \x00",
            "f.yaml: this is not YAML: unacceptable character #x0000: control characters are not allowed",
            id="control-character",
        ),
    ],
)
def test_what_is_not_used_here_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_every_value_and_key_has_its_place() -> None:
    document = yaml_files.parse("a:\n  - b: 1\n    cé: [x, y]\n", origin="f.yaml")
    assert str(document.place(("a", 0, "cé", 1))) == "f.yaml:3:13"
    assert str(document.key_place(("a", 0, "cé"))) == "f.yaml:3:5"
    assert str(document.place(("a", 0, "d"))) == "f.yaml:2:5"


def test_the_limit_of_values_is_exact() -> None:
    fits = "[" + "a," * (documents.MAX_NODES - 1) + "]"
    assert len(parsed(fits)) == documents.MAX_NODES - 1
    assert "this file is too big: more than 50000 values" in refusal(fits.replace("[a", "[a,a", 1))


def test_the_limit_of_depth_is_exact() -> None:
    fits = "[" * documents.MAX_DEPTH + "]" * documents.MAX_DEPTH
    parsed(fits)
    assert "nested more than 32 deep" in refusal(f"[{fits}]")
    assert "nested more than 32 deep" in refusal("[" * 100_000)


def test_the_limit_of_bytes_is_exact() -> None:
    documents.check_size(documents.MAX_BYTES, origin="f.yaml")
    with pytest.raises(DefinitionError, match="1048577 bytes, more than 1048576"):
        documents.check_size(documents.MAX_BYTES + 1, origin="f.yaml")


@settings(deadline=None)
@given(VALUES)
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert json_files.parse(json.dumps(value), origin="f.json").value == value
    assert json_files.parse(json.dumps(value, ensure_ascii=False, indent=1), origin="f.json").value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            '{"a": 1,\n "b" 2}', "f.json:2:6: this is not JSON: expecting ':' delimiter", id="syntax"
        ),
        pytest.param('{"a": NaN}', "f.json: this is not JSON: NaN is no number", id="not-a-number"),
        pytest.param(
            '{"a": "\\ud800"}', "f.json:1:7: this text is not Unicode: half of a character", id="surrogate"
        ),
        pytest.param("[" * 100_000, "f.json: this is not JSON that anybody wrote: too deep", id="deep"),
    ],
)
def test_what_is_no_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        json_files.parse(text, origin="f.json")
    assert str(caught.value) == message


def test_json_values_have_their_places() -> None:
    document = json_files.parse('{"a": [1,\n  {"b": "\\ud83d\\ude00", "a": 2}]}', origin="f.json")
    assert document.value == {"a": [1, {"b": "😀", "a": 2}]}
    assert str(document.place(("a", 1, "b"))) == "f.json:2:9"
    assert str(document.key_place(("a", 1, "a"))) == "f.json:2:25"
