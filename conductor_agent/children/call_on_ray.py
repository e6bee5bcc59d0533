"""Hands one call to a Ray cluster and follows it to its end: ``python -m … CALL_FILE``.

The task is a generator of pieces, which Ray streams to us; it is never retried. When this process dies, Ray ends its
tasks.

Exit codes are those of ``call_function``; 1 as well when the cluster fails, 143 when it was stopped by SIGTERM.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray

from conductor_agent.children import remote_call
from conductor_agent.errors import RunError

_STOPPED = 128 + signal.SIGTERM
_PIECES_AHEAD = 16
_OWN_ARGUMENTS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


def main(path: str) -> int:
    call = json.loads(Path(path).read_bytes())
    try:
        order = remote_call.order_of(call)
        ray.init(address=call["cluster"], log_to_driver=False, logging_level="warning")
        return _follow(call, order)
    except (RunError, ConnectionError, ray.exceptions.RayError) as error:
        sys.stderr.write(f"{str(error).strip()}\n")
        return 1
    finally:
        ray.shutdown()


def _follow(call: Mapping[str, Any], order: remote_call.Order) -> int:
    """Copies what the call says into the run's folder; the exit status."""
    task = ray.remote(remote_call.pieces).options(
        name=call["name"],
        num_returns="streaming",
        max_retries=0,
        _generator_backpressure_num_objects=_PIECES_AHEAD,
        **_resources(call["resources"]),
    )
    said = task.remote(order)
    signal.signal(
        signal.SIGTERM, lambda *_: ray.cancel(said)
    )  # Ray has a handler of its own, that leaves at once
    try:
        for reference in said:
            status = remote_call.take(ray.get(reference), Path(call["folder"]))
            if status is not None:
                return status
    except ray.exceptions.TaskCancelledError:
        return _STOPPED
    raise ConnectionError("the call ended without an exit status")


def _resources(wanted: Mapping[str, float]) -> dict[str, Any]:
    own = {_OWN_ARGUMENTS[name]: amount for name, amount in wanted.items() if name in _OWN_ARGUMENTS}
    return own | {"resources": {n: amount for n, amount in wanted.items() if n not in _OWN_ARGUMENTS}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
