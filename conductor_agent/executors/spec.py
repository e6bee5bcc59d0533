"""Reads the fields of a spec, whose shape the server has checked and the agent does not trust."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from conductor_agent.errors import RunError
from conductor_agent.model import Json


class Spec:
    """A filled spec of one source. Every method raises ``RunError`` that names the field."""

    def __init__(self, source: str, values: Mapping[str, Json]) -> None:
        self._source = source
        self._values = values

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string that is not empty."""
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text", value)
        return self._whole(name, value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of arguments; numbers and booleans are written as JSON writes them. Empty when it is missing."""
        value = self._values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "a list", value)
        return tuple(self._whole(name, self._word(name, item)) for item in value)

    def mapping(self, name: str) -> dict[str, Json]:
        """A mapping. Empty when it is missing."""
        value = self._values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(name, "a mapping", value)
        return value

    def environment(self) -> dict[str, str]:
        """The field ``environment``, with text values."""
        return {
            self._whole("environment", name): self._whole(
                "environment", self._word(f"environment.{name}", value)
            )
            for name, value in self.mapping("environment").items()
        }

    def seconds(self, name: str) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise self._wrong(name, "a number of seconds above 0", value)
        return float(value)

    def _word(self, name: str, value: Json) -> str:
        match value:
            case bool():
                return "true" if value else "false"
            case str():
                return value
            case int() | float():
                return str(value)
            case _:
                raise self._wrong(name, "a text or a number", value)

    def _whole(self, name: str, value: str) -> str:
        if "\0" in value:
            raise self._wrong(name, "a text without NUL", value)
        return value

    def _wrong(self, name: str, wanted: str, value: Json) -> RunError:
        return RunError(f"the {self._source} spec needs {wanted} as {name!r}, not {value!r}")


def program(name: str, *, root: Path, path: str | None) -> str:
    """The absolute path of a program: a name is looked up in ``path``, a path is taken relative to ``root``.

    Raises ``RunError`` when there is no such executable file.
    """
    found = shutil.which(str(root / name) if os.sep in name else name, path=path)
    if found is None:
        where = f"in {root}" if os.sep in name else f"on the agent's PATH {path or os.defpath}"
        raise RunError(f"there is no program {name!r} {where}")
    return os.path.abspath(found)


def subject_of(path: str, *, root: Path) -> str:
    """A file as the allow-list names it: relative to the root, or absolute when it lies outside."""
    relative = os.path.relpath(root / path, root)
    return os.path.abspath(root / path) if relative.split(os.sep, 1)[0] == os.pardir else relative


def refuse_options(written: Json, filled: Sequence[str]) -> None:
    """A value must not become an option of the program that it is an argument of.

    ``written`` is the list with its placeholders, ``filled`` the same without. An argument that begins with one may
    not begin with a dash, unless the list says ``--`` before it. Raises ``RunError``.
    """
    for before, after in zip(written if isinstance(written, list) else (), filled, strict=False):
        if before == "--":
            return
        if after.startswith("-") and isinstance(before, str) and before.startswith("${"):
            raise RunError(
                f"the argument {before} is {after!r:.100}, which a program may take for an option: "
                f"write it behind an argument --, or as one with its option, such as --name={before}"
            )


def outside(path: str, *, root: Path) -> tuple[str, ...]:
    """A working folder as a subject of the allow-list if it lies outside the root: programs read what lies there."""
    subject = subject_of(path, root=root)
    return (subject,) if os.path.isabs(subject) else ()


def folder_of(path: str, *, root: Path) -> Path:
    """A folder of a spec. Raises ``RunError`` when there is none."""
    folder = root / path
    if not folder.is_dir():
        raise RunError(f"there is no folder {str(folder)!r}")
    return folder
