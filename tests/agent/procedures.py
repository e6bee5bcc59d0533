"""Makes calls of stored procedures through the real child program, without an agent around it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conductor_agent.executors.contract import Place
from conductor_agent.executors.stored_procedure import StoredProcedureExecutor
from conductor_agent.pipes import MessageReader
from tests.agent.runs import a_run


class ProcedureCall:
    """One call: what was printed, and what came back."""

    def __init__(self, folder: Path, spec: Mapping[str, Any], **changes: Any) -> None:
        place = Place(
            run=a_run("stored_procedure", spec, **changes), root=folder, folder=folder, environment=os.environ
        )
        launch = StoredProcedureExecutor().launch(place)
        for name, data in launch.files.items():
            (folder / name).write_bytes(data)
        self._messages = folder / "messages"
        self._messages.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            launch.argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | dict(launch.environment),
        )
        self.output = ""
        self.error = ""

    def finish(self) -> int:
        """Waits for the end; the exit code."""
        out, error = self.process.communicate(timeout=60)
        self.output += out.decode()
        self.error = error.decode()
        return self.process.returncode

    def wait_for(self, text: str) -> None:
        """Reads the output up to the line that has a text in it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line.decode()
            if text in line.decode():
                return
        raise AssertionError(f"{text!r} never came: {self.output}")

    @property
    def result(self) -> dict[str, Any]:
        reader = MessageReader(self._messages)
        reader.read()
        result: dict[str, Any] = json.loads(json.dumps(dict(reader.told.result)))
        return result
