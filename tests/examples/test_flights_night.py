"""What the demo shows, and that it notices when a process is gone."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from night import processes, progress, summary
from night.control import word

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.run_pb2 import RUN_STATUS_FAILED, RUN_STATUS_SUCCESS, Progress


def finished_run(definition: str, *, seconds: int, status: int = RUN_STATUS_SUCCESS) -> pb.Run:
    run = pb.Run(definition=definition, status=status)  # type: ignore[arg-type]
    run.running_at.FromSeconds(1000)
    run.ended_at.FromSeconds(1000 + seconds)
    return run


def test_conditions_are_written_as_everywhere() -> None:
    assert word(pb.CONDITION_WAITING_FOR_INPUTS) == "waiting_for_inputs"


def test_the_summary_counts_by_definition() -> None:
    slots = [
        pb.Slot(definition="load", condition=pb.CONDITION_SUCCEEDED),
        pb.Slot(definition="load", condition=pb.CONDITION_FAILED),
        pb.Slot(definition="count", condition=pb.CONDITION_BLOCKED),
    ]
    runs = [
        finished_run("load", seconds=2),
        finished_run("load", seconds=5, status=RUN_STATUS_FAILED),
        pb.Run(definition="load"),
    ]

    lines = summary.lines_of(slots, runs)

    assert list(lines) == ["count", "load"]
    assert lines["load"].conditions == Counter(succeeded=1, failed=1)
    assert (lines["load"].runs, lines["load"].failed) == (3, 1)
    assert lines["load"].longest.total_seconds() == 5
    assert lines["count"].runs == 0


def test_a_line_for_where_there_is_no_terminal() -> None:
    conditions = Counter(succeeded=3, waiting_for_inputs=5)

    assert progress.line(conditions, passed=12.34) == " 12.3 s  5 waiting for inputs, 3 succeeded"
    assert progress.line(Counter(), passed=0) == "  0.0 s  no slots yet"


@pytest.mark.parametrize(
    ("run", "told"),
    [
        pytest.param(pb.Run(), "", id="silent"),
        pytest.param(pb.Run(progress=Progress(fraction=0.4, message="half")), " 40% half", id="fraction"),
        pytest.param(pb.Run(progress=Progress(message="busy")), "busy", id="only-words"),
    ],
)
def test_what_a_run_tells(run: pb.Run, told: str) -> None:
    assert progress.told(run) == told


def test_a_dead_process_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("\n".join(f"line {n}" for n in range(40)))
    popen = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    popen.wait()
    server = processes.Process(name="server", log=log, popen=popen)

    with pytest.raises(processes.ProcessDiedError, match="server ended with exit code 3") as raised:
        processes.wait_until(lambda: False, watched=[server], wanted="nothing")

    assert "line 39" in str(raised.value)
    assert "line 3\n" not in str(raised.value)


def test_stopping_ends_the_children_of_children_too(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = (
        "import pathlib, subprocess, sys, time;"
        "subprocess.Popen(['sleep', '600'], start_new_session=True);"
        f"pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    )
    popen = subprocess.Popen([sys.executable, "-c", script])
    agent = processes.Process(name="agent", log=tmp_path / "log", popen=popen)
    running = processes.Processes(home=tmp_path, running=[agent])
    processes.wait_until(started.exists, watched=[agent], wanted="the agent to start")
    (child,) = processes.descendants(popen.pid)

    running.stop()

    assert popen.poll() is not None
    child.wait(timeout=5)
    assert running.running == []
