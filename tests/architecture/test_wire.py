"""The wire of the newest release, in ``proto/baseline.binpb``: what agents in the field speak goes on working."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import program

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "proto" / "baseline.binpb"
BREAKING = 100  # buf's exit code for it; 1 is a mistake of ours
PROTOS = "proto/conductor_proto/v1"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The proto files alone, to be changed."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    return tmp_path


def test_the_wire_is_compatible_with_the_newest_release(checkout: Path) -> None:
    assert breaking(checkout) == (0, "")


def test_a_new_field_is_compatible(checkout: Path) -> None:
    change(checkout, "agent_service.proto", "string server = 6;", "string server = 6;\n  string more = 1000;")
    assert breaking(checkout) == (0, "")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("agent_service.proto", "string completion_id = 2;", "", id="a-field-is-gone"),
        pytest.param("run.proto", "int64 epoch = 2;", "string epoch = 2;", id="another-type"),
        pytest.param("run.proto", "int64 epoch = 2;", "int64 epoch = 3;", id="another-number"),
        pytest.param("run.proto", "int64 epoch = 2;", "int64 term = 2;", id="another-name"),
        pytest.param("run.proto", "OUTCOME_RELEASED = 5;", "", id="a-value-is-gone"),
        pytest.param("agent_service.proto", "VERDICT_CANCEL = 2;", "VERDICT_CANCEL = 7;", id="another-value"),
        pytest.param(
            "agent_service.proto",
            "rpc PushLogs(stream PushLogsRequest) returns (stream PushLogsResponse);",
            "",
            id="an-rpc-is-gone",
        ),
        pytest.param(
            "agent_service.proto",
            "rpc Complete(stream CompleteRequest)",
            "rpc Complete(CompleteRequest)",
            id="no-stream-any-more",
        ),
    ],
)
def test_a_breaking_change_is_found(checkout: Path, file: str, old: str, new: str) -> None:
    change(checkout, file, old, new)

    code, said = breaking(checkout)

    assert code == BREAKING, said
    assert file in said


def change(checkout: Path, file: str, old: str, new: str) -> None:
    path = checkout / PROTOS / file
    text = path.read_text()
    assert text.count(old) == 1, "what this test changes has been changed"
    path.write_text(text.replace(old, new))


def breaking(checkout: Path) -> tuple[int, str]:
    """What ``tools/check.sh`` asks."""
    done = subprocess.run(
        [program("buf"), "breaking", "--against", str(BASELINE)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
