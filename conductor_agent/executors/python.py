"""``python``: an importable function, called in a child process.

Spec: ``{callable: "package.module:function", arguments: {name: value} or [value, …], path: [folder, …],
environment}``. What it returns is the run's result: a mapping as it is, anything else under ``value``.
The arguments' placeholders are filled in by the child, so that no file holds what ``${env:NAME}`` stands for.
"""

from __future__ import annotations

import json
import re
import sys

from conductor_agent import placeholders
from conductor_agent.errors import RunError
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.spec import Spec, folder_of, subject_of

CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


_CALL = "conductor_agent.children.call_function"


class PythonExecutor:
    """Functions."""

    def launch(self, place: Place) -> Launch:
        spec = Spec("python", place.filled())
        name = spec.text("callable")
        if not CALLABLE.fullmatch(name):
            raise RunError(f"a callable is written package.module:function, not {name!r}")
        folders = [folder_of(path, root=place.root) for path in spec.texts("path")] or [place.root]
        call = {
            "callable": name,
            "arguments": place.run.spec.get("arguments") or {},
            "values": placeholders.values_of(place.run),
            "path": [str(folder) for folder in folders],
            "messages": str(place.folder / "messages"),
            "confined": place.confined,
        }
        return Launch(
            argv=(sys.executable, "-m", _CALL, str(place.folder / "call")),
            modules=(_CALL,),
            subjects=(name, *(subject_of(path, root=place.root) for path in spec.texts("path"))),
            working_folder=place.root,
            environment=spec.environment(),
            files={"call": json.dumps(call).encode()},
        )
