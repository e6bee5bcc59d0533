"""A night whose database is put back to a backup in the middle: what agents know comes back, and is not done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.nights import declare, executions, script, successes
from tests.postgres import fresh_database
from tests.support.processes import Home, Program, seen
from tests.upgrades import dumps

pytestmark = pytest.mark.e2e

AT = "while [ ! -e {gate} ]; do sleep 0.05; done"
DEFINITIONS = [
    {"name": "before", "priority": 2, "shell": script("true")},
    {"name": "running", "priority": 1, "writes_to": ["a"], "shell": script(AT.format(gate="first"))},
    {"name": "failing", "priority": 1, "shell": script(AT.format(gate="first") + "; exit 3")},
    {"name": "waiting", "shell": script(AT.format(gate="first"))},
    {"name": "unknown", "reads_from": ["a"], "writes_to": ["b"], "shell": script("true")},
    {"name": "alive", "reads_from": ["b"], "shell": script(AT.format(gate="second"))},
]
AFTER = ("running/once", "waiting/once", "unknown/once")
"""What ends after the backup; the last is not even known to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A database, a way to back it up while a server works on it, and to put that back: both answer the URL."""

    url: str
    back_up: Callable[[Home], None]
    restore: Callable[[Home], str]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    copy = tmp_path / "backup"
    if request.param == "sqlite":
        file = tmp_path / "night.db"
        url = f"sqlite:///{file}"

        def back_up_file(home: Home) -> None:
            done = home.run("conductor-server", "--database", url, "backup", str(copy))
            assert done.returncode == 0, done.stderr

        def restore_file(_home: Home) -> str:
            for path in tmp_path.glob("night.db*"):
                path.unlink()
            copy.rename(file)
            return url

        yield Store(url=url, back_up=back_up_file, restore=restore_file)
        return
    server = request.getfixturevalue("postgres_url")
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(server))

        def restore_dump(home: Home) -> str:
            restored = stack.enter_context(fresh_database(server))
            dumps.load_postgresql(copy, restored)
            done = home.run("conductor-server", "--database", restored, "restored")
            assert done.returncode == 0, done.stderr
            return restored

        yield Store(
            url=url,
            back_up=lambda _: copy.write_text(dumps.dump_postgresql(url)) and None,
            restore=restore_dump,
        )


def test_a_restore_in_the_middle_of_a_night(home: Home, store: Store, tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.yaml"
    declare(definitions, DEFINITIONS)
    server = serve(home, definitions, store.url)
    agent = home.start("conductor-agent", "--source", "shell=2", "--name", "one")
    seen(lambda: {"before/once", "running/once", "failing/once"} <= executions(home).keys())
    seen(lambda: ended(home) == {"before/once": "success"})

    store.back_up(home)
    (tmp_path / "first").touch()
    seen(lambda: "alive/once" in executions(home))
    known = dict.fromkeys(("before/once", *AFTER), "success") | {"failing/once": "failed"}
    seen(lambda: ended(home) == known)
    greatest = max(run["id"] for run in runs(home))
    server.kill()
    url = store.restore(home)
    waiting = serve(home, definitions, url, CONDUCTOR_RESTORE_GRACE_SECONDS="3600")

    # Nobody can claim anything: what is decided now is decided by what the agent says that it knows.
    seen(lambda: "is not in the backup that was restored" in agent.said)
    seen(lambda: ended(home) == known)
    assert executions(home) == Counter([*AFTER, "before/once", "failing/once", "alive/once"])
    assert "the store was restored from a backup" in agent.said
    waiting.kill()

    (tmp_path / "second").touch()
    serve(
        home, definitions, url, CONDUCTOR_RESTORE_GRACE_SECONDS="0", COMMAND_RETRIES_STANDARD_MAX_ATTEMPTS="1"
    )
    seen(lambda: executions(home)["alive/once"] == 2)
    seen(lambda: ended(home) == known | {"alive/once": "success"})
    done = executions(home)
    assert done.pop("alive/once") == 2, "what the backup had never heard of is stopped, and done again"
    assert set(done.values()) == {1}, "what was acknowledged is not executed again"
    assert successes(home) == Counter([*AFTER, "before/once", "alive/once"])
    again = [run["id"] for run in runs(home) if run["slot"] == "alive/once"]
    assert all(number > greatest + 1000 for number in again), "no number is given out twice"


def serve(home: Home, definitions: Path, url: str, **settings: str) -> Program:
    slow = {"COMMAND_RETRIES_STANDARD_DELAY_MINUTES": "60"}  # the failure is not tried again
    return home.serve("--definitions", str(definitions), "--database", url, **(slow | settings))


def runs(home: Home) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = home.json("runs", "list", "--limit", "0")["runs"]
    return found


def ended(home: Home) -> dict[str, str]:
    """How every run ended that has, by slot: none has more than one that did."""
    over = [(run["slot"], run["status"]) for run in runs(home) if run["status"] not in ("waiting", "running")]
    assert len(over) == len(dict(over)), f"done again: {over}"
    return dict(over)
