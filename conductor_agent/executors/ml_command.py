"""``ml_command``: a model script in R, Python or another interpreter on this machine, within limits.

Spec: ``{interpreter, script, arguments, environment, working_folder, limits}``. Limits are those of ``ulimit``, of
each process: ``memory`` (bytes of address space), ``cpu_time`` (seconds), ``open_files``, ``file_size`` (bytes).
"""

from __future__ import annotations

import sys

from conductor_agent.errors import RunError
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.spec import Spec, folder_of, outside, program, refuse_options, subject_of
from conductor_agent.model import Json

_AGENTS_PYTHON = (
    "python"  # the word for the interpreter that runs the agent, so that a venv is found without a path
)


class MlCommandExecutor:
    """Model scripts."""

    def launch(self, place: Place) -> Launch:
        spec = Spec("ml_command", place.filled())
        environment, arguments = spec.environment(), spec.texts("arguments")
        refuse_options(place.run.spec.get("arguments"), arguments)
        script = spec.text("script")
        path = place.root / script
        if not path.is_file():
            raise RunError(f"there is no script {str(path)!r}")
        folder = spec.text("working_folder", ".")
        interpreter = spec.text("interpreter", _AGENTS_PYTHON)
        executable = (
            sys.executable
            if interpreter == _AGENTS_PYTHON
            else program(interpreter, root=place.root, path=place.environment.get("PATH"))
        )
        return Launch(
            argv=(executable, str(path), *arguments),
            subjects=(subject_of(script, root=place.root), interpreter, *outside(folder, root=place.root)),
            working_folder=folder_of(folder, root=place.root),
            environment=environment,
            limits=limits_of(spec.mapping("limits")),
        )


def limits_of(limits: dict[str, Json]) -> dict[str, int]:
    """The options of ``ulimit``. Raises ``RunError`` for a limit that does not exist or is no number above 0."""
    options: dict[str, int] = {}
    for name, value in limits.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 1:
            raise RunError(f"the limit {name!r} must be a number of at least 1, not {value!r}")
        match name:
            case "memory":
                options["v"] = int(value) // 1024
            case "cpu_time":
                options["St"] = int(value)  # SIGXCPU, which says what happened …
                options["Ht"] = int(value) + 5  # … and SIGKILL for what ignores it
            case "open_files":
                options["n"] = int(value)
            case "file_size":
                options["f"] = int(value) // 512
            case _:
                raise RunError(
                    f"there is no limit {name!r}: known are memory, cpu_time, open_files, file_size"
                )
    return options
