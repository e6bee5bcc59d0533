"""Takes secrets out of what leaves the agent: output, errors, results and progress.

A secret is what ``${env:NAME}`` in a run's spec stands for on this agent; it becomes ``[secret NAME]`` wherever it is
written as it is, as in a URL or as in JSON. A command that transforms it in any other way is not stopped. A
checkpoint stays as it is: the next attempt has to find what this one has left, and nobody is shown it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote, unquote

from conductor_agent import placeholders
from conductor_agent.model import Json, Progress

SHORTEST = 6
"""Bytes: what is shorter stands in any output by chance, and would tell more by its absence."""

_PART = 4096
_NAME_MAX = 32
"""Long secrets are known by their parts, long names by their beginnings: so a piece of output stays within bounds."""

_PASSWORD = re.compile(r"://[^:@/]*:([^@]+)@")


class Redaction:
    """The secrets of one run. ``secrets`` are values by name."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._marks = {
            part: f"[secret {name[:_NAME_MAX]}]".encode()
            for name, value in secrets.items()
            for form in _forms(value)
            for part in _parts(form.encode(errors="surrogateescape"))
            if len(part) >= SHORTEST
        }
        longest_first = sorted(self._marks, key=len, reverse=True)
        self._secret = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None
        self.longest = max(map(len, self._marks), default=0)

    @classmethod
    def of_spec(cls, spec: Mapping[str, Json], environment: Mapping[str, str]) -> Redaction:
        """The secrets that a spec refers to, as far as the environment has them."""
        names = placeholders.variables_in(dict(spec)) & environment.keys()
        return cls({name: environment[name] for name in names})

    @property
    def growth(self) -> int:
        """So many times as long may a text become."""
        return max((-(-len(mark) // len(form)) for form, mark in self._marks.items()), default=1)

    def data(self, data: bytes) -> bytes:
        """All of it at once."""
        return data if self._secret is None else self._secret.sub(lambda found: self._marks[found[0]], data)

    def begun(self, data: bytes, *, over: bool, most: int | None = None) -> tuple[bytes, int]:
        """As much of the beginning as can be told apart already, and how many bytes of ``data`` that stands for.

        Unless it is ``over``, what may be the beginning of a secret at its end waits for the rest. However a stream is
        cut into pieces, they add up to the same. ``most``: of so many bytes, and what else belongs to a secret there.
        """
        end = len(data) - (0 if over else self._may_begin(data))
        if most is not None:
            end = min(end, most)
        if end < len(data):
            # One that begins before the cut and ends behind it belongs to what is told now.
            for found in self._found(data):
                if found.start() < end:
                    end = max(end, found.end())
            data = data[:end]
        return self.data(data), len(data)

    def text(self, text: str) -> str:
        if self._secret is None:
            return text
        return self.data(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")

    def value(self, value: Json) -> Json:
        """At any depth, in names too."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.value(item) for item in value]
            case dict():
                return self.values(value)
            case _:
                return value

    def values(self, values: Mapping[str, Json]) -> dict[str, Json]:
        return {self.text(name): self.value(value) for name, value in values.items()}

    def progress(self, progress: Progress | None) -> Progress | None:
        return None if progress is None else replace(progress, message=self.text(progress.message))

    def _found(self, data: bytes) -> Iterator[re.Match[bytes]]:
        return iter(()) if self._secret is None else self._secret.finditer(data)

    def _may_begin(self, data: bytes) -> int:
        """How many bytes at the end of it may be the beginning of a secret."""
        for length in range(min(self.longest - 1, len(data)), 0, -1):
            end = data[-length:]
            if any(len(form) > length and form.startswith(end) for form in self._marks):
                return length
        return 0


def _forms(value: str) -> set[str]:
    """How a value may be written; of a URL also its password alone, which is what messages quote."""
    values = {value}
    if password := _PASSWORD.search(value):
        values |= {password[1], unquote(password[1])}
    return {form for each in values for form in (each, quote(each, safe=""), json.dumps(each)[1:-1])}


def _parts(form: bytes) -> list[bytes]:
    return [form[first : first + _PART] for first in range(0, len(form), _PART)]
