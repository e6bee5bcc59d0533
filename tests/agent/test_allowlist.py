"""The allow-list: what its file may say, and what it lets through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conductor_agent.allowlist import AllowList, read_allow_list
from conductor_agent.errors import NotAllowedError, UsageError
from conductor_agent.executors import registry
from conductor_agent.executors.contract import Place
from tests.agent.runs import a_run

LIST = AllowList(patterns={"stored_procedure": ("agg.*",), "ml_command": ("models/*.py", "python")})


@pytest.mark.parametrize(
    ("source", "subjects", "environment", "allowed"),
    [
        pytest.param("stored_procedure", ("agg.sales",), {}, True, id="matches"),
        pytest.param("stored_procedure", ("AGG.sales",), {}, False, id="case-counts"),
        pytest.param("stored_procedure", ("ops.drop_all",), {}, False, id="matches-not"),
        pytest.param("shell", ("/bin/true",), {}, False, id="source-not-listed"),
        pytest.param("ml_command", ("models/a.py", "python"), {}, True, id="all-subjects"),
        pytest.param("ml_command", ("models/a.py", "perl"), {}, False, id="one-subject-not"),
        pytest.param("ml_command", ("models/a.py",), {"LEVEL": "3"}, True, id="harmless-variable"),
        pytest.param("ml_command", ("models/a.py",), {"PYTHONPATH": "x"}, False, id="swaps-modules"),
        pytest.param("ml_command", ("models/a.py",), {"LD_PRELOAD": "x"}, False, id="swaps-libraries"),
        pytest.param("ml_command", ("models/a.py",), {"PATH": "x"}, False, id="swaps-programs"),
    ],
)
def test_what_is_let_through(
    source: str, subjects: tuple[str, ...], environment: dict[str, str], *, allowed: bool
) -> None:
    if allowed:
        LIST.check(source, subjects, environment)
    else:
        with pytest.raises(NotAllowedError):
            LIST.check(source, subjects, environment)


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("cron", {"project": ".", "command": "load"}),
        ("ml_command", {"script": "manage.py"}),
        ("python", {"callable": "jobs:count"}),
        ("stored_procedure", {"database": "postgresql:///d", "procedure": "agg.sales"}),
    ],
)
def test_no_source_is_refused_for_what_its_executor_adds(
    source: str, spec: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "manage.py").touch()
    place = Place(run=a_run(source, spec), root=tmp_path, folder=tmp_path, environment={})
    launch = registry.load([source])[source].launch(place)
    AllowList(patterns={source: ("*",)}).check(source, launch.subjects, launch.environment)


def test_variables_have_to_be_listed() -> None:
    listed = AllowList(patterns={"env": ("WAREHOUSE_*",)})

    listed.check_variables(["WAREHOUSE_URL"])
    AllowList().check_variables(["ANYTHING"])
    with pytest.raises(NotAllowedError, match=r"does not permit \$\{env:AWS_SECRET\}"):
        listed.check_variables(["WAREHOUSE_URL", "AWS_SECRET"])


def test_without_a_file_everything_is_allowed() -> None:
    AllowList().check("shell", ("/bin/rm",), {"PATH": "x"})


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.yaml", 'shell: ["/bin/*"]\ncron: []\n'), ("a.toml", 'shell = ["/bin/*"]\ncron = []\n')],
)
def test_both_formats(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_allow_list(tmp_path / name) == AllowList(patterns={"shell": ("/bin/*",), "cron": ()})


@pytest.mark.parametrize("text", ["- shell", "shell: all", "shell: [1]", "shell: ["])
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"the allow-list .*a\.yaml"):
        read_allow_list(tmp_path / "a.yaml")
