"""`conductor-cli doctor` against real servers: what was made to be wrong is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conductor_server.store import vitals
from conductor_server.store.database import Database
from tests.e2e.nights import declare, script
from tests.support.processes import Home, home_in, seen


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with home_in(tmp_path) as home:
        yield home


def found(home: Home) -> dict[str, str]:
    done = home.run("conductor-cli", "doctor", "-o", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == (1 if answer["findings"] else 0), done.stderr
    return {each["check"]: each["what"] for each in answer["findings"]}


def test_a_patient_is_healed(home: Home, tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.yaml"
    declare(definitions, [{"name": "job", "shell": script("true")}])
    home.serve("--definitions", str(definitions))
    (home.path / "token").chmod(0o644)
    seen(lambda: "source" in found(home))
    definitions.write_text("version: 1\ndefinitions: nonsense\n")

    ill = seen(lambda: found(home), lambda now: "problem" in now)
    assert ill["source"] == "no agent serves shell, which 1 definitions need"
    assert "others can read the token" in ill["token"]
    assert str(definitions) in ill["problem"]
    told = home.run("conductor-cli", "doctor")
    assert told.returncode == 1
    assert "chmod 600" in told.stdout.replace("\n", " ")

    (home.path / "token").chmod(0o600)
    declare(definitions, [{"name": "job", "shell": script("true")}])
    agent = home.start("conductor-agent", "--source", "shell=1", "--name", "one")
    seen(lambda: found(home) == {})
    healthy = home.run("conductor-cli", "doctor")
    assert (healthy.returncode, healthy.stdout.strip()) == (0, "nothing is wrong")

    agent.kill()
    seen(lambda: found(home).keys() == {"source", "agent"})


def test_what_a_database_says_of_itself(database: Database) -> None:
    seen_here = vitals.read(database)

    if database.is_sqlite:
        assert seen_here.settings == {
            "journal_mode": "wal",
            "synchronous": "0",  # as these tests set it up
            "foreign_keys": "1",
            "quick_check": "ok",
        }
        assert seen_here.free is not None
        assert 0 <= seen_here.free <= 1
        assert seen_here.file_system
        return
    assert seen_here.settings["fsync"] in ("on", "off")
    assert int(seen_here.settings["server_version_num"]) >= 140_000
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as idle:
        idle.execute("SELECT 1")
        later = vitals.read(database).settings
    assert float(later["idle_in_transaction_s"]) > 0 == float(seen_here.settings["idle_in_transaction_s"])
