"""The shim, by itself: real shells, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_agent.launcher import SHIM_SCRIPT
from conductor_agent.process import Identity, Process, read_identity


def shim(folder: Path, *argv: str, limits: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", str(SHIM_SCRIPT), str(folder), limits, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def status_of(folder: Path) -> int:
    return int((folder / "exit").read_text().split()[0])


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        pytest.param(["/bin/true"], 0, id="success"),
        pytest.param([sys.executable, "-c", "raise SystemExit(7)"], 7, id="exit-code"),
        pytest.param([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 137, id="killed"),
    ],
)
def test_it_leaves_the_exit_status(tmp_path: Path, argv: list[str], status: int) -> None:
    shim(tmp_path, *argv).communicate()
    assert status_of(tmp_path) == status


@pytest.mark.parametrize(
    "argument",
    ["; echo no", "$(echo no)", "`echo no`", "'", '"', "a\nb", "*", "", "-n", "\\", "é\t"],
)
def test_arguments_arrive_as_they_are(tmp_path: Path, argument: str) -> None:
    program = "import sys; sys.stdout.buffer.write(sys.argv[1].encode('utf-8', 'surrogateescape'))"
    out, _ = shim(tmp_path, sys.executable, "-c", program, argument).communicate()
    assert out == argument.encode()


def test_a_signal_to_the_group_stops_the_command_and_not_the_shim(tmp_path: Path) -> None:
    process = shim(tmp_path, sys.executable, "-uc", "print('up'); import signal; signal.pause()")
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert status_of(tmp_path) == 128 + signal.SIGTERM


def test_the_command_may_handle_the_signal(tmp_path: Path) -> None:
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('up', flush=True)\n"
        "signal.pause()"
    )
    process = shim(tmp_path, sys.executable, "-c", program)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert status_of(tmp_path) == 5


def test_what_the_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    out, _ = shim(tmp_path, sys.executable, "-c", program).communicate()
    assert status_of(tmp_path) == 0
    # the grandchild held the other end of the pipe: communicate() returned because it is gone
    assert out.strip().isdigit()


def test_it_says_who_it_is(tmp_path: Path) -> None:
    process = shim(tmp_path, sys.executable, "-uc", "print('up'); import signal; signal.pause()")
    assert process.stdout is not None
    process.stdout.readline()

    identity = read_identity(tmp_path / "process")

    assert identity is not None
    assert identity.pid == process.pid
    assert identity.of_this_boot
    found = Process.find(identity)
    assert found is not None
    found.signal_group(signal.SIGKILL)
    process.communicate()
    found.close()
    assert not (tmp_path / "exit").exists()


@pytest.mark.parametrize("wrong", ["boot_id", "start_time"])
def test_a_recycled_pid_is_somebody_else(tmp_path: Path, wrong: str) -> None:
    stat = Path(f"/proc/{os.getpid()}/stat").read_text()
    values = {
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "start_time": stat.rpartition(")")[2].split()[19],
    }
    assert Process.find(_identity(values)) is not None
    assert Process.find(_identity(values | {wrong: "1"})) is None


def _identity(values: dict[str, str]) -> Identity:
    return Identity(
        boot_id=values["boot_id"], pid=os.getpid(), start_time=int(values["start_time"]), started=0.0
    )


def test_of_two_shims_of_one_run_only_the_first_runs_it(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "print('ran')"]
    first, _ = shim(tmp_path, *argv).communicate()
    second, complaint = shim(tmp_path, *argv).communicate()
    assert (first, second) == (b"ran\n", b"")
    assert b"process" in complaint


def test_limits_hold_for_the_command(tmp_path: Path) -> None:
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    out, _ = shim(tmp_path, sys.executable, "-c", program, limits="n=64").communicate()
    assert out == b"(64, 64)\n"


def test_a_limit_that_cannot_be_set_is_a_failure(tmp_path: Path) -> None:
    shim(tmp_path, "/bin/true", limits="n=nonsense").communicate()
    assert status_of(tmp_path) == 125


def test_it_starts_no_python(tmp_path: Path) -> None:
    process = shim(tmp_path, "/bin/sh", "-c", "echo up; sleep 600")
    assert process.stdout is not None
    process.stdout.readline()
    assert "python" not in Path(f"/proc/{process.pid}/exe").resolve().name
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
