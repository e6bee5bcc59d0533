"""Whole nights with real processes: server, agent and command line, and what a person does when something breaks."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from tests.e2e.nights import (
    ACCOUNTS,
    DECIDED,
    chain,
    conditions,
    declare,
    executions,
    script,
    slots_of,
    successes,
    until_decided,
)
from tests.support.processes import Home, Program, seen

pytestmark = pytest.mark.e2e

AT_THE_GATE = 'echo $$ > pid; echo waiting; while [ ! -e gate ]; do sleep 0.05; done; echo "passed the gate"'
TRAPPED = "trap 'echo > stopped; exit 143' TERM; " + AT_THE_GATE


@pytest.fixture
def folder(home: Home) -> Path:
    """Where the commands run and leave their files."""
    return home.path.parent


@pytest.fixture
def definitions(folder: Path) -> Path:
    return folder / "definitions.yaml"


def agent(home: Home, *options: str) -> Program:
    return home.start("conductor-agent", "--source", "shell=3", "--name", "one", "--grace", "5s", *options)


def runs(home: Home, slot: str) -> list[dict[str, Any]]:
    """The newest first."""
    found: list[dict[str, Any]] = home.json("runs", "list", "--slot", slot, "--limit", "0")["runs"]
    return found


def statuses(home: Home, slot: str) -> list[str]:
    return [run["status"] for run in runs(home, slot)]


def child(folder: Path) -> psutil.Process:
    """The command's process, once it waits at the gate."""
    file = folder / "pid"
    seen(lambda: file.exists() and file.read_text().strip() != "")
    return psutil.Process(int(file.read_text()))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def open_gate(folder: Path) -> None:
    (folder / "gate").touch()


def test_a_small_night_through_the_command_line(home: Home, definitions: Path) -> None:
    declare(definitions, chain('echo "$CONDUCTOR_DEFINITION of $CONDUCTOR_ACCOUNT"'), ACCOUNTS)
    home.serve("--definitions", str(definitions))
    agent(home)

    assert set(until_decided(home, slots_of()).values()) == {"succeeded"}
    assert executions(home) == successes(home) == Counter(slots_of())
    order = (definitions.parent / "witness").read_text().split("\n")
    assert order[-2].startswith("report/once"), "it waited for all accounts"
    status = home.json("status")
    assert (status["definitions"], status["accounts"], status["agents"]) == (3, 3, 1)
    assert status["problems"] == []
    [run] = runs(home, "count@acme/once")
    assert (run["attempt"], run["agent"], run["exit_code"]) == (1, "one", 0)
    assert seen(lambda: home.cli("runs", "logs", str(run["id"]))) == "count of acme\n"
    assert "●" in home.cli("graph", "--format", "text")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_server_killed_again_and_again_loses_nothing(home: Home, definitions: Path, seed: int) -> None:
    random = Random(seed)
    declare(definitions, chain("sleep 0.1"), ACCOUNTS)
    server = home.serve("--definitions", str(definitions))
    agent(home)
    slots = slots_of()
    for progress in sorted(random.sample(range(len(slots)), 3)):
        seen(lambda least=progress: executions(home).total() >= least)
        time.sleep(random.uniform(0, 0.2))  # whatever it is doing then: the result must not depend on it
        server.kill()
        server = home.serve("--definitions", str(definitions))

    assert set(until_decided(home, slots).values()) == {"succeeded"}
    assert successes(home) == Counter(slots), "each success is recorded once"
    lines = (definitions.parent / "witness").read_text().splitlines()
    recorded = [
        f"{run['slot']} {run['attempt']}"
        for run in home.json("runs", "list", "--limit", "0")["runs"]
        if run["status"] == "success"
    ]
    assert sorted(lines) == sorted(recorded), (
        "the agent lived: all that it executed is recorded, and nothing else"
    )
    assert home.json("status")["problems"] == []


def test_a_killed_agent_adopts_its_run(home: Home, definitions: Path, folder: Path) -> None:
    declare(definitions, [{"name": "long", "shell": script(AT_THE_GATE)}])
    home.serve("--definitions", str(definitions))
    first = agent(home)
    process = child(folder)
    first.kill()
    assert not gone(process)
    second = agent(home)
    seen(lambda: "run adopted" in second.said)
    open_gate(folder)

    [run] = seen(lambda: runs(home, "long/once"), lambda found: found[0]["status"] != "running")
    assert (run["status"], run["attempt"], run["late_reports"]) == ("success", 1, [])
    assert executions(home) == Counter({"long/once": 1})
    assert home.cli("runs", "logs", "-f", str(run["id"])) == "waiting\npassed the gate\n"


def test_a_cancellation_reaches_the_command_before_the_next_heartbeat(
    home: Home, definitions: Path, folder: Path
) -> None:
    declare(definitions, [{"name": "long", "shell": script(TRAPPED)}])
    home.serve("--definitions", str(definitions), COMMAND_HEARTBEAT_INTERVAL_SECONDS="120")
    agent(home)
    process = child(folder)
    [run] = runs(home, "long/once")
    home.cli("runs", "cancel", str(run["id"]))

    seen(lambda: gone(process))
    assert (folder / "stopped").exists(), "it was asked to stop, not killed"
    [run] = seen(lambda: runs(home, "long/once"), lambda found: found[0]["status"] != "running")
    assert run["status"] == "cancelled"
    assert conditions(home) == {"long/once": "cancelled"}


def test_one_accounts_failure_holds_up_nobody_else(home: Home, definitions: Path, folder: Path) -> None:
    breaks = (
        'if [ "$CONDUCTOR_ACCOUNT" = globex ] && [ ! -e mended ]; then echo "no such file" >&2; exit 3; fi'
    )
    declare(definitions, chain(first=breaks), ACCOUNTS)
    home.serve("--definitions", str(definitions), COMMAND_RETRIES_STANDARD_MAX_ATTEMPTS="2")
    agent(home)

    found = until_decided(home, slots_of())
    assert {name for name, condition in found.items() if condition == "succeeded"} == {
        f"{name}@{account}/once" for name in ("load", "count") for account in ("acme", "initech")
    }
    assert found["load@globex/once"] == "failed"
    assert found["count@globex/once"] == found["report/once"] == "blocked"
    assert statuses(home, "load@globex/once") == ["failed", "failed"]
    shown = home.json("slots", "show", "report/once")
    assert [reason["slot"] for reason in shown["reasons"]] == ["load@globex/once"]
    listed = home.cli("slots", "list", "--condition", "blocked")
    assert listed.count("load@globex/once") == 2, "each blocked slot names the culprit"

    (folder / "mended").touch()
    home.cli("rerun", "load@globex/once")
    seen(lambda: set(conditions(home).values()) == {"succeeded"})
    assert successes(home) == Counter(slots_of())


def test_a_definition_removed_while_it_runs(home: Home, definitions: Path, folder: Path) -> None:
    others = [{"name": f"quick{n}", "shell": script("true")} for n in range(6)]
    declare(definitions, [*others, {"name": "long", "shell": script(TRAPPED)}])
    home.serve("--definitions", str(definitions))
    living = agent(home)
    process = child(folder)
    declare(definitions, others)

    seen(lambda: gone(process))
    assert (folder / "stopped").exists()
    declare(definitions, [*others, {"name": "after", "shell": script("true")}])
    seen(lambda: conditions(home).get("after/once") == "succeeded")
    assert "long/once" not in conditions(home)
    assert living.popen.poll() is None
    assert "Traceback" not in living.said


def test_an_agent_that_finishes(home: Home, definitions: Path, folder: Path) -> None:
    declare(definitions, [{"name": "long", "shell": script(AT_THE_GATE)}])
    home.serve("--definitions", str(definitions))
    stopping = agent(home, "--on-stop", "finish")
    child(folder)
    stopping.popen.terminate()
    seen(lambda: "stopping" in stopping.said)
    declare(definitions, [{"name": name, "shell": script(AT_THE_GATE)} for name in ("long", "later")])
    seen(lambda: "later/once" in conditions(home))
    open_gate(folder)
    assert stopping.exit_code() == 0
    assert statuses(home, "long/once") == ["success"]
    assert statuses(home, "later/once") == ["waiting"], "it took nothing new"


def test_an_agent_that_releases(home: Home, definitions: Path, folder: Path) -> None:
    declare(definitions, [{"name": "long", "shell": script(TRAPPED)}])
    home.serve("--definitions", str(definitions))
    stopping = agent(home, "--on-stop", "release")
    process = child(folder)
    assert stopping.terminate() == 0
    assert gone(process)
    assert (folder / "stopped").exists()
    seen(lambda: statuses(home, "long/once") == ["waiting", "released"])
    open_gate(folder)
    agent(home)
    seen(lambda: statuses(home, "long/once") == ["success", "released"])
    assert home.json("slots", "show", "long/once")["slot"]["condition"] == "succeeded"


def test_an_agent_that_leaves(home: Home, definitions: Path, folder: Path) -> None:
    declare(definitions, [{"name": "long", "shell": script(AT_THE_GATE)}])
    home.serve("--definitions", str(definitions))
    stopping = agent(home, "--on-stop", "leave")
    process = child(folder)
    assert stopping.terminate() == 0
    assert not gone(process)
    open_gate(folder)
    agent(home)
    [run] = seen(lambda: runs(home, "long/once"), lambda found: found[0]["status"] != "running")
    assert (run["status"], run["attempt"]) == ("success", 1)
    assert executions(home) == Counter({"long/once": 1})
    assert set(conditions(home).values()) <= DECIDED
