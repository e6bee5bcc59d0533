"""Benchmarks run, and say what they have measured in the promised shape. No figure is asserted on: machines differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.frame import Benchmark, Measured, Target, in_turns, shared
from benchmarks.laboratory import Laboratory
from benchmarks.peers import Peer
from benchmarks.rows import ALL

KEYS = {"name", "value", "unit", "baseline", "ratio", "target", "ok", "meaning", "error"}


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


@pytest.mark.parametrize(
    "name", ["claim-complete-sqlite", "single-runs-64-streams-sqlite", "commands", "graph"]
)
def test_a_tiny_row_beside_its_baseline(name: str) -> None:
    done = bench("--only", name, "-o", "json", "--scale", "0.01")

    assert done.returncode in (0, 1), done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row.keys() == KEYS
    assert row["name"] == name
    assert row["value"] > 0
    assert row["ratio"] == pytest.approx(row["value"] / row["baseline"])
    assert row["ok"] is (done.returncode == 0)


def test_a_row_without_a_baseline() -> None:
    done = bench("--only", "ready-latency-p50-sqlite", "-o", "json", "--scale", "0.02")

    assert done.returncode in (0, 1), done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row.keys() == KEYS
    assert row["value"] >= 0
    assert row["baseline"] is None
    assert row["ratio"] is None


def test_what_a_night_costs_postgresql_is_measured_once_for_all_its_rows(postgres_url: str) -> None:
    names = ("night-rate", "night-postgresql-cpu", "night-wal")
    chosen = [part for name in names for part in ("--only", name)]

    done = bench(*chosen, "-o", "json", "--scale", "0.01", CONDUCTOR_BENCH_PG_URL=postgres_url)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["name"] for row in rows] == list(names), done.stderr
    assert all(row["value"] > 0 and row["target"] is None for row in rows), done.stderr
    assert done.returncode == 0


def test_a_peer_beside_us() -> None:
    pytest.importorskip("huey", reason="peers are installed by `make bench`")
    done = bench("--only", "claim-complete-sqlite-vs-huey", "-o", "json", "--scale", "0.01")

    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["error"] is None
    assert row["baseline"] > 0


def test_a_peer_that_is_not_there_says_what_brings_it() -> None:
    with pytest.raises(ModuleNotFoundError, match="`make bench` does it"):
        Peer("no_such_queue", "sqlite://")


def test_a_name_that_there_is_not() -> None:
    done = bench("--only", "nonsense")

    assert done.returncode == 2
    assert "there is no row 'nonsense'" in done.stderr


def test_list_names_every_row_and_measures_none() -> None:
    done = bench("--list")

    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [row.name for row in ALL]
    assert len({row.name for row in ALL}) == len(ALL)


@pytest.mark.parametrize(
    ("target", "measured", "met"),
    [
        pytest.param(
            Target(of="ratio", at_least=0.5), Measured(value=5, baseline=10), True, id="just-enough"
        ),
        pytest.param(Target(of="ratio", at_least=0.5), Measured(value=4, baseline=10), False, id="too-slow"),
        pytest.param(Target(of="value", at_most=10), Measured(value=10), True, id="just-in-time"),
        pytest.param(Target(of="value", at_most=10), Measured(value=11), False, id="too-late"),
    ],
)
def test_a_target_is_a_bound(target: Target, measured: Measured, met: bool) -> None:
    benchmark = Benchmark(name="row", meaning="", unit="", target=target, measure=lambda _: measured)

    assert benchmark.run(Laboratory()).ok is met


def test_a_row_without_a_target_is_reported() -> None:
    row = Benchmark(name="row", meaning="", unit="", measure=lambda _: Measured(value=5)).run(Laboratory())

    assert row.target is None
    assert row.ok


def test_a_measurement_that_breaks_makes_a_row_that_says_so() -> None:
    def broken(_: Laboratory) -> Measured:
        raise RuntimeError("the server did not start")

    row = Benchmark(name="row", meaning="", unit="", measure=broken).run(Laboratory())

    assert row.value is None
    assert not row.ok
    assert row.error == "RuntimeError: the server did not start"


def test_what_rows_share_is_measured_once_even_if_it_breaks() -> None:
    asked: list[str] = []

    @shared
    def measured(kind: str) -> str:
        asked.append(kind)
        if kind == "broken":
            raise RuntimeError(kind)
        return kind

    assert [measured("sound"), measured("sound")] == ["sound", "sound"]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            measured("broken")
    assert asked == ["sound", "broken"]


def test_figures_are_medians_of_samples_taken_in_turns() -> None:
    ours, baseline = iter([1.0, 100.0, 2.0]), iter([4.0, 8.0, 0.0])

    measured = in_turns(lambda: next(ours), lambda: next(baseline), samples=3)

    assert measured == Measured(value=2.0, baseline=4.0)
