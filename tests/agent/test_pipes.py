"""Dagster Pipes: the protocol as tables, and an unmodified script that speaks it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from conductor_agent.model import CHECKPOINT_LIMIT, RESULT_LIMIT, Json, Progress
from conductor_agent.pipes import MessageReader, Told, checkpoint_to_bytes, context_of, fold
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent
from tests.agent.runs import a_run, claimed
from tests.agent.server import SmallServer

SCRIPT = '''
"""As anybody would write it for Dagster: nothing in here knows of Conductor."""

from dagster_pipes import PipesContext, open_dagster_pipes

with open_dagster_pipes() as context:
    assert context is PipesContext.get()
    assert context.is_asset_step
    assert context.is_partition_step
    window = context.partition_time_window
    context.log.info(f"{context.asset_key} {context.partition_key} {window['start']} {window['end']}")
    context.log.warning(f"attempt {context.retry_number} of {context.run_id} after {context.extras['checkpoint']}")
    context.report_custom_message({"progress": 0.4, "message": "two of five"})
    context.report_custom_message({"checkpoint": {"row": 8}})
    context.report_custom_message({"colour": "blue"})
    context.report_asset_materialization(
        metadata={"rows": 7, "where": {"raw_value": "https://example.org", "type": "url"}},
        data_version="v2",
    )
    context.report_asset_check("not_empty", passed=True, severity="WARN", metadata={"seen": 7})
    input()
'''


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"__dagster_pipes_version": "0.1", "method": method, "params": params}


def custom(payload: Any) -> dict[str, Any]:
    return message("report_custom_message", payload=payload)


async def test_an_unmodified_script(server: SmallServer, start_agent: StartAgent, tmp_path: Path) -> None:
    await start_agent("ml_command")
    (tmp_path / "gate.py").write_text(SCRIPT.replace("input()", f"open({str(tmp_path / 'go')!r}).read()"))
    os.mkfifo(tmp_path / "go")
    run_id = await server.give(
        claimed("ml_command", {"script": "gate.py"}, checkpoint=b'{"row": 7}', attempt=3)
    )

    await server.until(lambda: run_id in server.progress and run_id in server.checkpoints)
    assert server.progress[run_id] == [run_pb2.Progress(fraction=0.4, message="two of five")]
    assert json.loads(server.checkpoints[run_id]) == {"row": 8}
    (tmp_path / "go").write_text("on")

    report = await server.report_of(run_id)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    assert json.loads(report.checkpoint) == {"row": 8}
    assert MessageToDict(report.result) == {
        "messages": [{"colour": "blue"}],
        "assets": {"update_sales": {"rows": 7, "where": "https://example.org", "data_version": "v2"}},
        "checks": {"not_empty": {"passed": True, "severity": "WARN", "seen": 7}},
    }
    log = await server.log_of(run_id, "agent", "WARNING")
    assert "INFO update_sales 2026-11-20 2026-11-20T00:00:00Z 2026-11-21T00:00:00Z" in log
    assert f"WARNING attempt 2 of {run_id} after {{'row': 7}}" in log


async def test_the_error_is_the_scripts_own(
    server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    (tmp_path / "fail.py").write_text(
        "from dagster_pipes import open_dagster_pipes\n"
        "with open_dagster_pipes():\n"
        "    raise ValueError('no rows for acme')\n"
    )
    await start_agent("ml_command")
    report = await server.report_of(await server.give(claimed("ml_command", {"script": "fail.py"})))
    assert report.outcome == run_pb2.OUTCOME_FAILED
    assert report.error.startswith("ValueError: no rows for acme\n")
    assert "fail.py" in report.error


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        pytest.param(
            {"progress": 0.5, "message": "half"},
            Told(progress=Progress(fraction=0.5, message="half")),
            id="progress",
        ),
        pytest.param({"progress": 7}, Told(progress=Progress(fraction=1.0)), id="too-far"),
        pytest.param(
            {"progress": None, "message": "?"}, Told(progress=Progress(message="?")), id="cannot-tell"
        ),
        pytest.param({"checkpoint": "row 7"}, Told(checkpoint=b"row 7"), id="text-checkpoint"),
        pytest.param({"checkpoint": [1]}, Told(checkpoint=b"[1]"), id="json-checkpoint"),
        pytest.param({"checkpoint": "x" * (CHECKPOINT_LIMIT + 1)}, Told(), id="checkpoint-too-long"),
        pytest.param({"result": {"rows": 7}}, Told(result={"rows": 7}), id="result"),
        pytest.param("hello", Told(result={"messages": ["hello"]}), id="any-other"),
        pytest.param(
            {"result": {"n": float("nan"), "big": 2**60}},
            Told(result={"n": "nan", "big": str(2**60)}),
            id="what-a-double-cannot-hold",
        ),
    ],
)
def test_custom_messages(payload: Any, told: Told) -> None:
    assert fold(Told(), custom(payload))[0] == told


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"method": "made_up"},
        message("log"),
        {"method": "log", "params": 7},
        message("report_asset_materialization", metadata=[1]),
        message("closed", exception="?"),
        message("report_custom_message"),
    ],
)
def test_no_message_fails_a_run(strange: dict[str, Any]) -> None:
    fold(Told(), strange)


def test_a_result_that_is_too_large_says_so() -> None:
    told, _ = fold(Told(), custom({"result": {"x": "y" * RESULT_LIMIT}}))
    assert set(told.result) == {"dropped"}


def test_a_reader_waits_for_whole_lines_and_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    lines = [json.dumps(message("log", level="INFO", message=f"line {n}")) + "\n" for n in range(3)]
    reader = MessageReader(path)
    assert reader.read() == []

    path.write_text(lines[0] + "not json\n" + lines[1][:20])
    assert reader.read() == ["INFO line 0"]
    reader.noted()
    path.write_text(lines[0] + "not json\n" + lines[1])
    assert reader.read() == ["INFO line 1"]

    adopted = MessageReader(path)
    assert adopted.read() == ["INFO line 1"], "the first line is in the log already"


@pytest.mark.parametrize("checkpoint", [{"row": 7}, [1, 2], 5, "free text"])
def test_a_checkpoint_comes_back_as_it_was(checkpoint: Json) -> None:
    extras = context_of(a_run(checkpoint=checkpoint_to_bytes(checkpoint)))["extras"]
    assert isinstance(extras, dict)
    assert extras["checkpoint"] == checkpoint
