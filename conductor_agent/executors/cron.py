"""``cron``: a Django management command, as a project's own crontab would call it.

Spec: ``{project, command, arguments, settings, python, environment}``. It runs
``python manage.py COMMAND [--settings=SETTINGS] ARGUMENT …`` in the project's folder. ``python`` is that of the
agent unless the spec names another, such as ``.venv/bin/python`` relative to the agent's root.
"""

from __future__ import annotations

import sys

from conductor_agent.errors import NotAllowedError, RunError
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.spec import Spec, folder_of, program, refuse_options, subject_of

_OTHER_CODE = ("--settings", "--pythonpath")


class CronExecutor:
    """Django management commands."""

    def launch(self, place: Place) -> Launch:
        spec = Spec("cron", place.filled())
        command = spec.text("command")
        if command.startswith("-"):
            raise RunError(f"a management command may not begin with a dash: {command!r}")
        project = folder_of(spec.text("project"), root=place.root)
        if not (project / "manage.py").is_file():
            raise RunError(f"the Django project {str(project)!r} has no manage.py")
        environment = spec.environment()
        interpreter = sys.executable
        subjects = [f"{subject_of(str(project), root=place.root)}:{command}"]
        if spec.has("python"):
            interpreter = program(spec.text("python"), root=place.root, path=place.environment.get("PATH"))
            subjects.append(spec.text("python"))
        settings = (f"--settings={spec.text('settings')}",) if spec.has("settings") else ()
        if spec.has("settings"):
            subjects.append(spec.text("settings"))
        arguments = spec.texts("arguments")
        refuse_options(place.run.spec.get("arguments"), arguments)
        if place.confined:
            _refuse_other_code(arguments)
        return Launch(
            argv=(interpreter, "manage.py", command, *settings, *arguments),
            subjects=tuple(subjects),
            working_folder=project,
            environment=environment,
        )


def _refuse_other_code(arguments: tuple[str, ...]) -> None:
    """Django imports what these options name before it looks for the command."""
    for argument in arguments:
        if argument.partition("=")[0] in _OTHER_CODE:
            raise NotAllowedError(
                f"with an allow-list an argument may not be {argument!r}: it decides what is run"
            )
