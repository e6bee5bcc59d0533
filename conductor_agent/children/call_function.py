"""Calls one function, as the file named by the only argument says: ``python -m … CALL_FILE``.

Exit codes: 0 when it returned, 1 when it raised (the traceback is on stderr), 2 when it cannot be imported.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conductor_agent import placeholders
from conductor_agent.children import report


def main(path: str) -> int:
    call = json.loads(Path(path).read_bytes())
    sys.path[:0] = call["path"]
    try:
        function = _import(call["callable"], confined=call["confined"])
    except (ImportError, AttributeError) as error:
        sys.stderr.write(f"{call['callable']} cannot be imported: {error}\n")
        return 2
    arguments = call["arguments"]
    if call["values"] is not None:  # else they are filled in already, and nothing is read twice
        arguments = placeholders.fill(arguments, call["values"], os.environ)
    try:
        value = _apply(function, arguments)
    except Exception:  # the traceback is what people need, and status 1 says the rest
        traceback.print_exc()
        return 1
    if value is not None:
        report.result(Path(call["messages"]), value if isinstance(value, dict) else {"value": value})
    return 0


def _apply(function: Callable[..., Any], arguments: Any) -> Any:
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)


def _import(name: str, *, confined: bool) -> Callable[..., Any]:
    """``confined``: it has to be the module's own, or ``jobs:os.system`` would be whatever ``jobs`` imports."""
    module, _, attributes = name.partition(":")
    function = functools.reduce(getattr, attributes.split("."), importlib.import_module(module))
    if not callable(function):
        raise AttributeError(f"{name} is not callable")
    home = str(getattr(function, "__module__", ""))
    if confined and home != module and not home.startswith(f"{module}."):
        raise AttributeError(
            f"it belongs to {home or 'nobody'}: with an allow-list, name it where it is defined"
        )
    return function


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
