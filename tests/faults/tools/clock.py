"""A clock that can be set while a program runs: libfaketime. Monotonic time stays true, as on a real machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def missing() -> str:
    """Why there is none."""
    return "" if _library() else "libfaketime is not installed (apt-get install libfaketime)"


class FalseClock:
    """The wall clock of whatever is started with ``environment``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead_s = 0
        self.leap(0)

    @property
    def environment(self) -> Mapping[str, str]:
        library = _library()
        assert library is not None
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # seconds: not reading the file at every look makes it bearable
            "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def leap(self, seconds: int) -> None:
        """Ahead, or back."""
        self._ahead_s += seconds
        temporary = self._file.with_suffix(".new")
        temporary.write_text(f"{self._ahead_s:+d}\n")
        temporary.replace(self._file)


def _library() -> Path | None:
    found = sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))
    return found[0] if found else None
