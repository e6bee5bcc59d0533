"""From a claimed run to its process: executor, allow-list, files, environment, and one ``exec`` or ``fork``."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from conductor_agent import environment as environments
from conductor_agent import pipes, placeholders
from conductor_agent.allowlist import AllowList
from conductor_agent.errors import RunError
from conductor_agent.executors.contract import Executor, Launch, Place
from conductor_agent.model import Run
from conductor_agent.redaction import Redaction
from conductor_agent.warm import WarmPython
from conductor_agent.warm_host import Order

SHIM_SCRIPT = Path(str(files("conductor_agent") / "shim.sh"))
_SHELL = "/bin/sh"
_MODULE_ARGUMENTS = slice(3, None)  # of ``python -m module argument …``


class Shim(subprocess.Popen[bytes]):
    """A started shim. An agent that leaves lets go of it while it runs, on purpose: no warning, no reaping list."""

    def __del__(self) -> None:
        pass


class Launcher:
    """Starts runs. ``root`` is absolute; ``environment`` is the agent's own."""

    def __init__(
        self,
        *,
        executors: Mapping[str, Executor],
        root: Path,
        allow: AllowList | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._executors = executors
        self._root = root
        self._allow = allow or AllowList()
        self._inherited = environments.inherited(environment or {})
        self._warm = WarmPython(folder=root, environment=self._inherited)

    def start(self, run: Run, folder: Path) -> Shim | None:
        """Starts the run in a session of its own. Raises ``RunError``, and then nothing was started.

        The answer is its shim, or ``None`` where a warm Python has started it: then it has written who it is.
        """
        executor = self._executors.get(run.source)
        if executor is None:
            raise RunError(f"this agent has no executor for source {run.source!r}")
        self._allow.check_variables(sorted(placeholders.variables_in(dict(run.spec))))
        place = Place(
            run=run,
            root=self._root,
            folder=folder,
            environment=self._inherited,
            confined=self._allow.confines,
        )
        launch = executor.launch(place)
        self._allow.check(run.source, launch.subjects, launch.environment)
        _write_files(run, folder, launch)
        variables = self._inherited | dict(launch.environment) | environments.of_run(run, folder)
        if self._is_warm(launch, folder, variables):
            return None
        return _spawn(launch, folder, variables)

    def redaction(self, run: Run) -> Redaction:
        """The secrets that are taken out of what leaves the agent about this run."""
        return Redaction.of_spec(run.spec, self._inherited)

    def close(self) -> None:
        """What was started goes on."""
        self._warm.close()

    def _is_warm(self, launch: Launch, folder: Path, variables: dict[str, str]) -> bool:
        """Whether a warm Python has started it. Otherwise nothing was started."""
        if launch.limits:
            return False
        order = Order(
            program=[] if launch.modules else list(launch.argv),
            arguments=list(launch.argv[_MODULE_ARGUMENTS]) if launch.modules else [],
            folder=str(folder),
            working_folder=str(launch.working_folder),
            environment=variables,
        )
        return self._warm.start(launch.modules, order)


def _write_files(run: Run, folder: Path, launch: Launch) -> None:
    own = {
        "context": json.dumps(pipes.context_of(run)).encode(),
        "messages": b"",
        "checkpoint": run.checkpoint,
    }
    for name, data in {**launch.files, **own}.items():
        with open(folder / name, "wb", buffering=0, opener=_for_us_alone) as file:
            file.write(data)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _spawn(launch: Launch, folder: Path, variables: Mapping[str, str]) -> Shim:
    limits = " ".join(f"{option}={value}" for option, value in launch.limits.items())
    argv = [_SHELL, str(SHIM_SCRIPT), str(folder), limits, *launch.argv]
    # No preexec_fn and every descriptor closed: the parent lives with gRPC's threads, and the state folder's lock must
    # not outlive the agent in a child.
    try:
        with (
            open(folder / "stdout", "ab", buffering=0, opener=_for_us_alone) as stdout,
            open(folder / "stderr", "ab", buffering=0, opener=_for_us_alone) as stderr,
        ):
            return Shim(
                argv,
                cwd=launch.working_folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise RunError(f"the command could not be started: {error}") from error
