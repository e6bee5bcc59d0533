"""The executors, with real interpreters, a real Django project and real limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from conductor_agent.errors import RunError
from conductor_agent.executors import registry
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.ml_command import limits_of
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent
from tests.agent.runs import a_run, claimed
from tests.agent.server import SmallServer


def launch(source: str, spec: dict[str, Any], root: Path, **environment: str) -> Launch:
    place = Place(
        run=a_run(source, spec),
        root=root,
        folder=root / "run",
        environment={"PATH": "/usr/bin:/bin"} | environment,
    )
    return registry.load([source])[source].launch(place)


def test_the_built_in_ones_are_found_like_any_other() -> None:
    sources = ["cron", "ml_command", "python", "shell", "stored_procedure"]
    assert list(registry.load(sources)) == sources


# --- shell


async def test_a_script_gets_values_as_variables_and_arguments(
    server: SmallServer, start_agent: StartAgent
) -> None:
    await start_agent("shell")
    spec = {"script": 'echo "$CONDUCTOR_ACCOUNT|${1}|$2"', "arguments": ["${window.label}", "$(no); x"]}
    run_id = await server.give(claimed("shell", spec))
    assert await server.log_of(run_id, "stdout", "\n") == "acme|2026-11-20|$(no); x\n"


def test_a_script_with_a_placeholder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a script may not contain \$\{account.token\}"):
        launch("shell", {"script": "echo ${account.token}"}, tmp_path)


def test_a_program_of_the_root_is_found_and_named_in_full(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    assert launch("shell", {"argv": ["./tool", 5, True]}, tmp_path).argv == (
        str(tmp_path / "tool"),
        "5",
        "true",
    )


# --- cron


def test_a_management_command_is_called_as_a_crontab_would(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "manage.py").touch()
    spec = {
        "project": "shop",
        "command": "load_orders",
        "arguments": ["--account", "${account.token}", "--from", "${window.start}", 5],
        "settings": "shop.settings",
        "environment": {"LEVEL": 3},
    }
    made = launch("cron", spec, tmp_path)
    assert made.argv == (
        *(sys.executable, "manage.py", "load_orders", "--settings=shop.settings"),
        *("--account", "acme", "--from", "2026-11-20T00:00:00Z", "5"),
    )
    assert made.working_folder == tmp_path / "shop"
    assert made.environment["LEVEL"] == "3"
    assert made.subjects == ("shop:load_orders", "shop.settings")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"project": "nowhere", "command": "x"}, "there is no folder"),
        ({"project": ".", "command": "x"}, "has no manage.py"),
        ({"project": ".", "command": "--help"}, "may not begin with a dash"),
        ({"project": "."}, "the cron spec needs a text as 'command'"),
    ],
)
def test_a_wrong_cron_spec_says_what_is_wrong(tmp_path: Path, spec: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RunError, match=complaint):
        launch("cron", spec, tmp_path)


async def test_a_real_django_command(server: SmallServer, start_agent: StartAgent, tmp_path: Path) -> None:
    commands = tmp_path / "shop" / "orders" / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, commands.parent, commands.parent.parent):
        (folder / "__init__.py").touch()
    (tmp_path / "shop" / "manage.py").write_text(
        "import sys\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(sys.argv)\n"
    )
    (tmp_path / "shop" / "shop_settings.py").write_text("INSTALLED_APPS = ['orders']\nSECRET_KEY = 'x'\n")
    (commands / "load_orders.py").write_text(
        "from django.core.management.base import BaseCommand, CommandError\n"
        "class Command(BaseCommand):\n"
        "    def add_arguments(self, parser):\n"
        "        parser.add_argument('--account')\n"
        "    def handle(self, *args, account, **options):\n"
        "        self.stdout.write(f'loading {account}')\n"
        "        if account != 'acme': raise CommandError('no such account', returncode=4)\n"
    )
    await start_agent("cron")
    spec = {
        "project": "shop",
        "settings": "shop_settings",
        "command": "load_orders",
        "arguments": ["--account", "${account.token}"],
    }
    good = await server.give(claimed("cron", spec))
    bad = await server.give(claimed("cron", spec | {"arguments": ["--account", "other"]}))

    assert (await server.report_of(good)).outcome == run_pb2.OUTCOME_SUCCEEDED
    assert await server.log_of(good, "stdout", "loading") == "loading acme\n"
    failed = await server.report_of(bad)
    assert (failed.exit_code, failed.error) == (4, "exit code 4\nCommandError: no such account")


# --- ml_command


async def test_a_model_script_runs_within_its_limits(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    (tmp_path / "greedy.py").write_text("print(len(bytearray(2_000_000_000)))\n")
    (tmp_path / "busy.py").write_text("while True: pass\n")
    await start_agent("ml_command")
    greedy = await server.give(
        claimed("ml_command", {"script": "greedy.py", "limits": {"memory": 500_000_000}})
    )
    busy = await server.give(claimed("ml_command", {"script": "busy.py", "limits": {"cpu_time": 1}}))
    assert "MemoryError" in (await server.report_of(greedy)).error
    assert (await server.report_of(busy)).error.startswith("killed by SIGXCPU")


def test_the_interpreter_is_the_one_asked_for(tmp_path: Path) -> None:
    (tmp_path / "model.R").touch()
    made = launch("ml_command", {"interpreter": "sh", "script": "model.R", "arguments": [0.5]}, tmp_path)
    assert Path(made.argv[0]).name == "sh"
    assert made.argv[1:] == (str(tmp_path / "model.R"), "0.5")
    assert made.subjects == ("model.R", "sh")


def test_a_script_outside_the_root_is_named_in_full(tmp_path: Path) -> None:
    (tmp_path / "outside.py").touch()
    (tmp_path / "root" / "models").mkdir(parents=True)
    made = launch("ml_command", {"script": "models/../../outside.py"}, tmp_path / "root")
    assert made.subjects[0] == str(tmp_path / "outside.py")


@pytest.mark.parametrize("limits", [{"memory": 0}, {"cpu_time": "much"}, {"patience": 5}])
def test_a_limit_that_makes_no_sense_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="limit"):
        limits_of(limits)


# --- python


async def test_a_function_is_called_and_its_value_is_the_result(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    (tmp_path / "jobs.py").write_text(
        "def count(account, rows, secret):\n"
        "    print('counting', account)\n"
        "    return {'account': account, 'rows': rows + 1, 'long': len(secret)}\n"
        "def fail(): raise KeyError('acme')\n"
    )
    await start_agent("python", environment={"API_KEY": "hush-hush"})
    spec = {
        "callable": "jobs:count",
        "arguments": {"account": "${account.token}", "rows": 6, "secret": "${env:API_KEY}"},
    }
    good = await server.give(claimed("python", spec))
    bad = await server.give(claimed("python", {"callable": "jobs:fail"}))
    missing = await server.give(claimed("python", {"callable": "jobs:nothing"}))

    report = await server.report_of(good)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    assert MessageToDict(report.result) == {"account": "acme", "rows": 7, "long": 9}
    assert await server.log_of(good, "stdout", "counting") == "counting acme\n"
    assert "KeyError: 'acme'" in (await server.report_of(bad)).error
    assert (await server.report_of(missing)).exit_code == 2


def test_a_secret_is_in_no_file_and_no_argv(tmp_path: Path) -> None:
    secrets = {"API_KEY": "hush-hush", "URL": "postgresql://u:hush-hush@h/d"}
    spec = {"callable": "a:b", "arguments": ["${env:API_KEY}"]}
    procedure = {"database": "${env:URL}", "procedure": "a.b", "parameters": {"x": "${env:API_KEY}"}}
    for made in (
        launch("python", spec, tmp_path, **secrets),
        launch("stored_procedure", procedure, tmp_path, **secrets),
    ):
        assert "hush" not in repr(made)
        assert json.loads(made.files["call"])


@pytest.mark.parametrize("name", ["os.system", "os:", ":x", "a b:c", "os:system; x", "-m:x"])
def test_a_callable_is_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="a callable is written"):
        launch("python", {"callable": name}, tmp_path)
