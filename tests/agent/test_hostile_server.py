"""A server that means harm, over a real connection: nothing outside the allow-list runs, and the agent goes on."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conductor_agent import convert
from conductor_agent.allowlist import AllowList
from conductor_agent.model import RESULT_LIMIT, Completion, Ending, Lease, Outcome
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent
from tests.agent.runs import claimed
from tests.agent.server import SmallServer

SOURCES = ("cron", "ml_command", "python", "shell", "stored_procedure")

ALLOWED = AllowList(
    patterns={
        "cron": ("shop:load_*",),
        "ml_command": ("models/*.py", "python"),
        "python": ("jobs:*",),
        "shell": ("/bin/echo", "/usr/bin/echo"),
        "stored_procedure": ("agg.*", "${env:WAREHOUSE_URL}"),
        "env": ("WAREHOUSE_*",),
    }
)

TOUCH = "import pathlib, sys; pathlib.Path('{trap}').touch()\n"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Nothing that the agent may run makes this file; everything that it must not run would."""
    trap = tmp_path / "trap"
    harm = TOUCH.format(trap=trap)
    for folder in ("shop", "models", "evil"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    root = tmp_path / "root"
    (root / "shop" / "manage.py").write_text(harm)
    (root / "models" / "good.py").write_text("print('good')\n")
    (root / "evil.py").write_text(harm)
    (tmp_path / "outside.py").write_text(harm)
    (root / "jobs.py").write_text("import os\nfrom subprocess import run\n\ndef own():\n    return 1\n")
    return trap


REFUSED: list[Any] = [
    pytest.param("shell", {"argv": ["touch", "{trap}"]}, id="another-program"),
    pytest.param("shell", {"argv": ["/bin/../bin/touch", "{trap}"]}, id="another-path-to-it"),
    pytest.param("shell", {"script": "touch '{trap}'"}, id="a-script"),
    pytest.param(
        "shell", {"argv": ["echo"], "environment": {"LD_PRELOAD": "/evil.so"}}, id="another-library"
    ),
    pytest.param("shell", {"argv": ["echo"], "working_folder": "/tmp"}, id="another-folder"),
    pytest.param("shell", {"argv": ["echo", "${env:AWS_SECRET}"]}, id="a-secret-that-is-not-listed"),
    pytest.param("ml_command", {"script": "evil.py"}, id="another-script"),
    pytest.param("ml_command", {"script": "models/../evil.py"}, id="script-traversal"),
    pytest.param("ml_command", {"script": "models/../../outside.py"}, id="script-out-of-the-root"),
    pytest.param("ml_command", {"script": "models/good.py", "interpreter": "sh"}, id="another-interpreter"),
    pytest.param("ml_command", {"script": "models/good.py\0evil.py"}, id="nul-in-a-script"),
    pytest.param("cron", {"project": "shop", "command": "flush"}, id="another-management-command"),
    pytest.param("cron", {"project": "shop/../evil", "command": "load_x"}, id="project-traversal"),
    pytest.param("cron", {"project": "shop", "command": "--load_x"}, id="an-option-as-command"),
    pytest.param(
        "cron",
        {"project": "shop", "command": "load_x", "arguments": ["--pythonpath=/tmp"]},
        id="another-python-path",
    ),
    pytest.param(
        "cron", {"project": "shop", "command": "load_x", "settings": "evil"}, id="other-django-settings"
    ),
    pytest.param("cron", {"project": "shop", "command": "load_x", "python": "/bin/sh"}, id="other-python"),
    pytest.param("python", {"callable": "os:system", "arguments": ["touch {trap}"]}, id="another-module"),
    pytest.param("python", {"callable": "jobs:os.system", "arguments": ["touch {trap}"]}, id="through-it"),
    pytest.param("python", {"callable": "jobs:run", "arguments": [["touch", "{trap}"]]}, id="its-import"),
    pytest.param("python", {"callable": "jobs:own", "path": ["/tmp"]}, id="another-path"),
    pytest.param("python", {"callable": "../jobs:own"}, id="module-traversal"),
    pytest.param(
        "stored_procedure",
        {"database": "${env:WAREHOUSE_URL}", "procedure": "public.x; DROP TABLE y"},
        id="another-procedure",
    ),
    pytest.param(
        "stored_procedure",
        {"database": "postgresql://u:${env:WAREHOUSE_URL}@evil/d", "procedure": "agg.x"},
        id="another-database",
    ),
    pytest.param("shell", {"argv": {"0": "touch"}}, id="argv-of-another-type"),
    pytest.param("shell", {"argv": [["touch"], {}]}, id="arguments-of-other-types"),
    pytest.param("shell", {"argv": ["echo", "x" * 3_000_000]}, id="longer-than-any-argv"),
    pytest.param("shell", {}, id="nothing"),
]


def filled(spec: Any, trap: Path) -> Any:
    match spec:
        case str():
            return spec.replace("{trap}", str(trap))
        case list():
            return [filled(each, trap) for each in spec]
        case dict():
            return {name: filled(each, trap) for name, each in spec.items()}
    return spec


async def test_what_the_allow_list_does_not_have_does_not_run(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path, trap: Path
) -> None:
    secrets = {"AWS_SECRET": "canary-aws", "WAREHOUSE_URL": "postgresql://user:canary-url@127.0.0.1:1/d"}
    await start_agent(*SOURCES, root=tmp_path / "root", allow=ALLOWED, environment=secrets, concurrency=99)
    ids = {
        await server.give(claimed(source, filled(spec, trap))): param.id
        for param in REFUSED
        for source, spec in [param.values]
    }

    for run_id, name in ids.items():
        report = await server.report_of(run_id)
        assert report.outcome == run_pb2.OUTCOME_FAILED, name
        assert report.error, name
        assert "canary" not in report.error, name
    assert not trap.exists()  # noqa: ASYNC240 - a folder in a test's own place
    good = await server.give(claimed("ml_command", {"script": "models/good.py"}))
    assert (await server.report_of(good)).outcome == run_pb2.OUTCOME_SUCCEEDED
    own = await server.give(claimed("python", {"callable": "jobs:own"}))
    assert (await server.report_of(own)).outcome == run_pb2.OUTCOME_SUCCEEDED


def nan(run: run_pb2.ClaimedRun) -> None:
    run.spec["n"] = math.nan


def far_window(run: run_pb2.ClaimedRun) -> None:
    run.window.start.seconds = 2**62


def long_timeout(run: run_pb2.ClaimedRun) -> None:
    run.timeout.seconds = 2**62


def past_timeout(run: run_pb2.ClaimedRun) -> None:
    run.timeout.seconds = -(2**62)


def nul_in_names(run: run_pb2.ClaimedRun) -> None:
    run.slot = run.definition = run.member.token = run.member.account = "../\0/.."


def paths_as_names(run: run_pb2.ClaimedRun) -> None:
    run.slot = run.definition = run.window.label = run.member.token = "../../../../etc/passwd"


def great_attempt(run: run_pb2.ClaimedRun) -> None:
    run.attempt = 2**31 - 1


def negative_lease(run: run_pb2.ClaimedRun) -> None:
    run.lease.run_id, run.lease.epoch = -(2**63), -1


def great_lease(run: run_pb2.ClaimedRun) -> None:
    run.lease.run_id, run.lease.epoch = 2**63 - 1, 2**63 - 1


async def test_runs_that_cannot_be_are_answered_and_the_agent_goes_on(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    agent = await start_agent("shell")
    twists: list[Callable[[run_pb2.ClaimedRun], None]] = [
        nan,
        far_window,
        long_timeout,
        past_timeout,
        nul_in_names,
        paths_as_names,
        great_attempt,
        negative_lease,
        great_lease,
    ]
    for twist in twists:
        run = claimed("shell", {"argv": ["true"]})
        twist(run)
        report = await server.report_of(await server.give(run))
        assert report.outcome in run_pb2.Outcome.values(), twist.__name__
        if twist in (nan, far_window, nul_in_names):
            assert report.outcome == run_pb2.OUTCOME_FAILED, twist.__name__

    await server.until(lambda: agent.idle)
    sound = await server.give(claimed("shell", {"argv": ["true"]}))
    assert (await server.report_of(sound)).outcome == run_pb2.OUTCOME_SUCCEEDED
    assert len(server.registrations) == 1, "not one of them ended the session"
    inside = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}  # noqa: ASYNC240 - as above
    assert inside == {"state"}, "the journal is nowhere else"


async def test_more_runs_than_there_is_room_for_are_not_taken(
    server: SmallServer, start_agent: StartAgent, gate: Path
) -> None:
    agent = await start_agent("shell", concurrency=2)
    waiting = {"script": 'echo up; cat "$1"', "arguments": [str(gate)]}
    runs = [claimed("shell", waiting) for _ in range(50)]
    server.pushed_with_next += runs
    await server.give(claimed("shell", waiting))

    await server.until(lambda: any(len(beat.runs) == 2 for beat in server.held))

    assert agent.running == 2
    assert max(len(beat.runs) for beat in server.held) == 2
    for run in server.held[-1].runs:
        await server.log_of(run.lease.run_id, "stdout", "up")
    await asyncio.to_thread(gate.write_text, "go")
    await server.until(lambda: len(server.reports) >= 2)


def test_a_result_that_grows_on_the_wire_is_not_sent_to_be_refused() -> None:
    """Small numbers are four times as large there as they are in JSON."""
    ending = Ending(outcome=Outcome.SUCCEEDED, result={"numbers": [1] * 60_000})
    completion = Completion(lease=Lease(run_id=1, epoch=1), completion_id="c", ending=ending)

    message = convert.completion_to_wire(completion)

    assert message.result.ByteSize() <= RESULT_LIMIT
    assert message.result["dropped"].startswith("the result had ")


async def test_answers_about_logs_that_cannot_be(
    server: SmallServer, start_agent: StartAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await start_agent("shell")
    offsets = iter([-(2**63), 2**63 - 1, -1])
    honest = agent.logs.answered

    def answered(answer: wire.PushLogsResponse) -> None:
        answer.next_offset = next(offsets, answer.next_offset)
        honest(answer)

    monkeypatch.setattr(agent.logs, "answered", answered)

    run_id = await server.give(claimed("shell", {"argv": [sys.executable, "-c", "print('line')"]}))

    assert (await server.report_of(run_id)).outcome == run_pb2.OUTCOME_SUCCEEDED
    assert await server.log_of(run_id, "stdout", "line") == "line\n"
    await server.judge(run_id, 99, "a verdict of a later protocol")  # type: ignore[arg-type]
    assert Lease(run_id=run_id, epoch=1) not in agent.held() or agent.running == 0
