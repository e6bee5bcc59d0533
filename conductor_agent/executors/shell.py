"""``shell``: any program. An argv is passed on as it is; a shell reads only what was asked for as a ``script``.

Spec: ``{argv: [program, argument, …]}`` or ``{script: "…", arguments: […]}``, and ``working_folder``,
``environment``. In a script placeholders are refused: there a value would become shell text. Its variables are
``$CONDUCTOR_ACCOUNT`` and so on, and ``arguments`` are ``$1``, ``$2`` …
"""

from __future__ import annotations

from conductor_agent import placeholders
from conductor_agent.errors import RunError
from conductor_agent.executors.contract import Launch, Place
from conductor_agent.executors.spec import Spec, folder_of, outside, program, refuse_options


class ShellExecutor:
    """Programs with their arguments."""

    def launch(self, place: Place) -> Launch:
        _refuse_placeholders_in_script(place)
        spec = Spec("shell", place.filled(verbatim="script"))
        argv = _script_argv(spec) if spec.has("script") else spec.texts("argv")
        refuse_options(place.run.spec.get("argv"), argv)
        if not argv or not argv[0]:
            raise RunError("the shell spec needs an argv with a program, or a script")
        environment = spec.environment()
        path = environment.get("PATH", place.environment.get("PATH"))
        folder = spec.text("working_folder", ".")
        executable = program(argv[0], root=place.root, path=path)
        return Launch(
            argv=(executable, *argv[1:]),
            subjects=("script" if spec.has("script") else executable, *outside(folder, root=place.root)),
            working_folder=folder_of(folder, root=place.root),
            environment=environment,
        )


def _script_argv(spec: Spec) -> tuple[str, ...]:
    return ("sh", "-c", spec.text("script"), "sh", *spec.texts("arguments"))


def _refuse_placeholders_in_script(place: Place) -> None:
    found = placeholders.first_in(str(place.run.spec.get("script") or ""))
    if found is not None:
        message = (
            f"a script may not contain {found}, whose value a shell would read: "
            "use $CONDUCTOR_ACCOUNT and the like, or pass it in arguments as $1"
        )
        raise RunError(message)
