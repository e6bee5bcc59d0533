"""What people read, kept as files: their diffs are reviewed.

After a change that is meant, run the tests with ``CONDUCTOR_UPDATE_GOLDEN=1`` and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent


def assert_golden(name: str, actual: str) -> None:
    """The text is what the file of that name holds."""
    file = FOLDER / name
    if os.environ.get("CONDUCTOR_UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(actual, encoding="utf-8")
    assert actual == file.read_text(encoding="utf-8")
