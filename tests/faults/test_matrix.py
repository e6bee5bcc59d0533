"""Runs the matrix (``make soak``), and two of its quickest rows in every test run, so that it cannot rot."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.provenance import now
from tests.faults import results, rows
from tests.faults.declaration import FAULTS, SQLITE, Fault
from tests.faults.inflicting import inflict
from tests.faults.results import Result
from tests.faults.stores import Store

assert rows.__all__

MATRIX = [(fault, store) for fault in FAULTS.values() for store in fault.stores]
CHOSEN = {name for name in os.environ.get("CONDUCTOR_FAULTS", "").split(",") if name}
assert FAULTS.keys() >= CHOSEN, (
    f"CONDUCTOR_FAULTS: there is no row {', '.join(sorted(CHOSEN - FAULTS.keys()))}"
)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("fault", "store"),
    [
        pytest.param(*row, id="-on-".join(map(str, row)))
        for row in MATRIX
        if not CHOSEN or row[0].name in CHOSEN
    ],
)
def test_fault(fault: Fault, store: str, seed: int, folder: Path, make_store: Callable[[], Store]) -> None:
    reason = fault.needs()
    if reason:
        results.record(Result(fault=fault.name, store=store, left_out=reason, at=now()))
        pytest.skip(reason)
    times = int(os.environ.get("CONDUCTOR_FAULTS_TIMES") or 0)
    result = inflict(fault, folder / "world", store=store, seed=seed, make_store=make_store, times=times)
    results.record(result)
    print(f"{result.key}: {result.recoveries_s} {result.figures} in {result.took_s} s", flush=True)
    assert result.violations == []


@pytest.mark.e2e
@pytest.mark.parametrize("store", [SQLITE])
@pytest.mark.parametrize("name", ["server-killed", "command-killed"])
def test_quick_fault(name: str, store: str, seed: int, folder: Path, make_store: Callable[[], Store]) -> None:
    fault = FAULTS[name]
    result = inflict(fault, folder / "world", store=store, seed=seed, make_store=make_store, times=1)
    assert result.violations == []
    assert len(result.recoveries_s) == 1
