"""Runs for tests, as a server would push them."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from collections.abc import Mapping
from typing import Any

from conductor_agent import convert
from conductor_agent.model import Lease, Member, Run, Window
from conductor_proto.v1 import run_pb2

_ids = itertools.count(1)


def a_run(source: str = "shell", spec: Mapping[str, Any] | None = None, **changes: Any) -> Run:
    """A claimed run of yesterday for the account acme."""
    number = next(_ids)
    values: dict[str, Any] = {
        "lease": Lease(run_id=number, epoch=1),
        "slot": "update_sales@acme/2026-11-20",
        "definition": "update_sales",
        "source": source,
        "attempt": 1,
        "spec": dict(spec or {}),
        "member": Member(matrix="account", token="acme", account="acme", timezone="Europe/London"),
        "window": Window(
            start=dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
            end=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
            label="2026-11-20",
        ),
    }
    return Run(**(values | changes))


def claimed(
    source: str = "shell", spec: Mapping[str, Any] | None = None, **changes: Any
) -> run_pb2.ClaimedRun:
    """The same, as it is on the wire."""
    return convert.run_to_wire(a_run(source, spec, **changes))


def python(program: str, *arguments: str) -> dict[str, Any]:
    """A shell spec that runs a Python program."""
    return {"argv": [sys.executable, "-c", program, *arguments]}
