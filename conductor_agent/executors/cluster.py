"""``dask`` and ``ray``: a function, called on a worker of a cluster that runs already.

Spec: ``{callable: "package.module:function", arguments: {name: value} or [value, …], resources: {name: number}}``.
The agent's operator says which cluster: ``DASK_SCHEDULER_ADDRESS`` or ``RAY_ADDRESS`` in the agent's environment. The
run's process on this machine hands the call over and stays to the end; it is what an agent adopts after a restart, and
the call does not outlive it.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

from conductor_agent import environment as environments
from conductor_agent import placeholders
from conductor_agent.errors import RunError, UsageError
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.python import CALLABLE
from conductor_agent.executors.spec import Spec


class _ClusterExecutor:
    """Functions on a cluster. ``source`` is also the extra that installs what ``package`` names."""

    source: str
    package: str
    address: str

    def __init__(self) -> None:
        if find_spec(self.package) is None:
            raise UsageError(
                f"{self.package} is not installed: pip install 'conductor-orchestrator[{self.source}]'"
            )

    def launch(self, place: Place) -> Launch:
        spec = Spec(self.source, place.filled())  # a missing variable fails here, before anything is started
        name = spec.text("callable")
        if not CALLABLE.fullmatch(name):
            raise RunError(f"a callable is written package.module:function, not {name!r}")
        cluster = place.environment.get(self.address)
        if not cluster:
            raise RunError(
                f"this agent knows no {self.source} cluster: set {self.address} in its environment"
            )
        call = {
            "callable": name,
            "arguments": place.run.spec.get("arguments") or {},
            "resources": spec.mapping("resources"),
            "values": placeholders.values_of(place.run),
            "environment": environments.of_run(place.run, place.folder),
            "folder": str(place.folder),
            "confined": place.confined,
            "cluster": cluster,
            "name": place.run.slot,
        }
        module = f"conductor_agent.children.call_on_{self.source}"
        return Launch(
            argv=(sys.executable, "-m", module, str(place.folder / "call")),
            subjects=(name,),
            working_folder=place.root,
            files={"call": json.dumps(call).encode()},
        )


class DaskExecutor(_ClusterExecutor):
    """Functions on the workers of a Dask scheduler."""

    source, package, address = "dask", "distributed", "DASK_SCHEDULER_ADDRESS"


class RayExecutor(_ClusterExecutor):
    """Functions on the workers of a Ray cluster, of which the agent's machine is a node."""

    source, package, address = "ray", "ray", "RAY_ADDRESS"
