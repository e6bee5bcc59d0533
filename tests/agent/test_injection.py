"""Hostile values through every source, with the real programs: the exact bytes arrive, and nothing else happens."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conductor_agent.errors import RunError
from conductor_agent.executors import registry
from conductor_agent.executors.contract import Place
from conductor_agent.executors.spec import refuse_options
from conductor_agent.model import Member
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent
from tests.agent.runs import a_run, claimed
from tests.agent.server import SmallServer
from tests.agent.test_placeholders import CORPUS
from tests.postgres import database_url, postgres_url

__all__ = ["database_url", "postgres_url"]  # fixtures

HOSTILE = [
    *CORPUS,
    "|| touch trap",
    "\r\nSet-Cookie: x=y",
    "\x1b]0;title\x07\x1b[2J\x1b[31m",
    "".join(map(chr, (*range(1, 32), *range(127, 160)))),
    "abc\u202edcba\u202c\u2066\u2069\u200f\ufeff",
    "\U0010ffff\u0301\u00c5\u212b",
    "<script>alert(1)</script>&amp;]]>",
    "${jndi:ldap://x/y}${7*7}#{7*7}<%= 7*7 %>",
    "SELECT pg_sleep(9)--\\",
    "x" * 50_000,
]
"""Beside the corpus of the placeholders: terminals, text direction, markup, templates, and length."""

TOKEN = "\n".join(HOSTILE[:-1])

RECORD = """
import json, os, sys
def record(values, **more):
    with open(os.environ["SEEN"], "w", encoding="utf-8", errors="surrogateescape") as file:
        own = {name: os.environ[name] for name in ("CONDUCTOR_ACCOUNT", "CONDUCTOR_MEMBER", "OWN")}
        json.dump({"values": values, "environment": own}, file)
"""

DJANGO = {
    "manage.py": """
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["DJANGO_SETTINGS_MODULE"] = "project_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "project_settings.py": "INSTALLED_APPS = ['shop']\nSECRET_KEY = 'x' * 50\n",
    "shop/__init__.py": "",
    "shop/management/__init__.py": "",
    "shop/management/commands/__init__.py": "",
    "shop/management/commands/load_orders.py": RECORD
    + """
from django.core.management.base import BaseCommand
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--account")
        parser.add_argument("values", nargs="*")
    def handle(self, *args, account, values, **options):
        record([account, *values])
""",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name, text in DJANGO.items():
        (root / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "site" / name).write_text(text)
    (root / "model.py").write_text(RECORD + "record(sys.argv[1:])\n")
    (root / "jobs.py").write_text(
        RECORD + "def job(values):\n    record(values)\n    return {'values': values}\n"
    )
    (root / "model.R").write_text(
        "writeLines(commandArgs(trailingOnly=TRUE)[[2]], Sys.getenv('SEEN'), sep='')\n"
    )
    return root


def written(value: str) -> str:
    """As an author writes it who means these very characters."""
    return value.replace("${", "$${")


VALUES = ["${account.token}", "${member.token}", *map(written, HOSTILE)]
ARRIVED = [TOKEN, TOKEN, *HOSTILE]

SPECS: Mapping[str, dict[str, Any]] = {
    "cron": {
        "project": "site",
        "command": "load_orders",
        "arguments": ["--account=${account.token}", "--", *VALUES[1:]],
    },
    "ml_command": {"script": "model.py", "arguments": VALUES},
    "python": {"callable": "jobs:job", "arguments": {"values": VALUES}},
    "shell": {"argv": [sys.executable, "model.py", *VALUES]},
}


def hostile_run(source: str, spec: Mapping[str, Any], seen: Path) -> run_pb2.ClaimedRun:
    environment = {"SEEN": str(seen), "OWN": "${account.token}"}
    member = Member(matrix="account", token=TOKEN, account=TOKEN, timezone="UTC")
    return claimed(source, {**spec, "environment": environment}, member=member)


@pytest.mark.parametrize("source", SPECS)
async def test_they_arrive_as_they_are(
    source: str, server: SmallServer, start_agent: StartAgent, root: Path, tmp_path: Path
) -> None:
    before = sorted(path for path in root.rglob("*") if "__pycache__" not in path.parts)  # noqa: ASYNC240
    await start_agent(source, root=root, environment={"HOME": str(tmp_path)})

    report = await server.report_of(await server.give(hostile_run(source, SPECS[source], tmp_path / "seen")))

    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error[-2000:]
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["values"] == ARRIVED
    assert seen["environment"] == dict.fromkeys(("CONDUCTOR_ACCOUNT", "CONDUCTOR_MEMBER", "OWN"), TOKEN)
    after = sorted(path for path in root.rglob("*") if "__pycache__" not in path.parts)  # noqa: ASYNC240
    assert after == before, "nothing else happened"


async def test_a_scripts_variables_and_arguments_are_data(
    server: SmallServer, start_agent: StartAgent, root: Path, tmp_path: Path
) -> None:
    await start_agent("shell", root=root)
    script = 'exec "$PYTHON" model.py "$CONDUCTOR_ACCOUNT" "$CONDUCTOR_MEMBER" "$@"'
    run = hostile_run("shell", {"script": script, "arguments": VALUES[2:]}, tmp_path / "seen")
    run.spec["environment"]["PYTHON"] = sys.executable

    report = await server.report_of(await server.give(run))

    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error[-2000:]
    assert json.loads((tmp_path / "seen").read_text())["values"] == ARRIVED


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R on this machine")
async def test_they_arrive_in_r(
    server: SmallServer, start_agent: StartAgent, root: Path, tmp_path: Path
) -> None:
    await start_agent("ml_command", root=root)
    spec = {"interpreter": "Rscript", "script": "model.R", "arguments": ["--", "${account.token}"]}

    report = await server.report_of(await server.give(hostile_run("ml_command", spec, tmp_path / "seen")))

    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error[-2000:]
    assert (tmp_path / "seen").read_text() == TOKEN


async def test_they_are_bound_in_postgresql(
    server: SmallServer, start_agent: StartAgent, root: Path, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen (token text, listed text[])")
        connection.execute(
            "CREATE PROCEDURE keep(token text, listed text[]) LANGUAGE sql AS "
            "'INSERT INTO seen VALUES (token, listed)'"
        )
    await start_agent("stored_procedure", root=root)
    member = Member(matrix="account", token=TOKEN, account=TOKEN, timezone="UTC")
    spec = {
        "database": database_url,
        "procedure": "keep",
        "parameters": {"token": "${account.token}", "listed": VALUES},
    }

    report = await server.report_of(await server.give(claimed("stored_procedure", spec, member=member)))

    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error[-2000:]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT * FROM seen").fetchall() == [(TOKEN, ARRIVED)]
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (1,)


NUL = "a\0b"


@pytest.mark.parametrize(
    ("source", "spec"),
    [
        ("cron", {"project": "site", "command": "load_orders", "arguments": ["--", "${account.token}"]}),
        ("ml_command", {"script": "model.py", "arguments": ["${account.token}"]}),
        ("shell", {"argv": ["true", "${account.token}"]}),
        ("shell", {"script": "true", "arguments": ["${account.token}"]}),
        ("shell", {"argv": ["true"], "environment": {"X": "${account.token}"}}),
    ],
)
def test_what_the_system_cannot_carry_is_refused_by_name(
    source: str, spec: dict[str, Any], root: Path
) -> None:
    run = a_run(source, spec, member=Member(matrix="account", token=NUL, account=NUL, timezone="UTC"))
    place = Place(run=run, root=root, folder=root, environment=dict(os.environ))

    with pytest.raises(RunError, match="a text without NUL"):
        registry.load([source])[source].launch(place)


@pytest.mark.parametrize(
    ("written", "filled", "refused"),
    [
        pytest.param(["${account.token}"], ("-rf",), True, id="becomes-an-option"),
        pytest.param(["--account", "${account.token}"], ("--account", "--help"), True, id="after-an-option"),
        pytest.param(["${env:X}y"], ("--xy",), True, id="with-more-behind-it"),
        pytest.param(["--account=${account.token}"], ("--account=-rf",), False, id="within-one"),
        pytest.param(["--", "${account.token}"], ("--", "-rf"), False, id="behind-two-dashes"),
        pytest.param(["-rf"], ("-rf",), False, id="written-by-the-author"),
        pytest.param(["${account.token}"], ("acme",), False, id="harmless"),
        pytest.param(["$${account.token}"], ("${account.token}",), False, id="escaped"),
        pytest.param(None, (), False, id="none"),
    ],
)
def test_a_value_does_not_become_an_option(written: Any, filled: tuple[str, ...], *, refused: bool) -> None:
    if refused:
        with pytest.raises(RunError, match="may take for an option"):
            refuse_options(written, filled)
    else:
        refuse_options(written, filled)
