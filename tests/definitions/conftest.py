from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from conductor_server.definitions.loading import load
from conductor_server.model.definition import Declarations
from conductor_server.model.errors import DefinitionErrors

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file into the folder that is now the current one, so that places are short."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return write


def complaint(*paths: str | Path) -> str:
    """What loading these says, which must be something."""
    with pytest.raises(DefinitionErrors) as caught:
        load(paths)
    return str(caught.value)


def loaded(*paths: str | Path) -> Declarations:
    return load(paths)
