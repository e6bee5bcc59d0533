"""Files of text on disk: found, read within limits, parsed by what their names end in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from conductor_server.definitions import json_files, yaml_files
from conductor_server.definitions.documents import MAX_BYTES, Document, check_size
from conductor_server.model.definition import Place
from conductor_server.model.errors import DefinitionError, SourceUnavailableError

_VERSION = re.compile(
    rb"""(?m)(?:^|[{,])[ \t]*["']?version["']?[ \t]*:[ \t]*["']?\d+["']?[ \t]*(?:[,}#\r\n]|$)"""
)

PARSERS = {".yaml": yaml_files.parse, ".yml": yaml_files.parse, ".json": json_files.parse}


def read_document(path: Path, *, declared: Place | None = None) -> Document:
    """The document in a file. ``declared`` is where another file names it.

    Raises ``SourceUnavailableError`` for a file that cannot be read, ``DefinitionError`` for one that cannot
    be understood.
    """
    parse = PARSERS.get(path.suffix)
    if parse is None:
        raise DefinitionError(
            f"the name of {path} ends in none of {', '.join(PARSERS)}",
            place=declared or Place(origin=str(path)),
        )
    return parse(read_text(path, declared=declared), origin=str(path))


def read_text(path: Path, *, declared: Place | None = None) -> str:
    try:
        with path.open("rb") as file:
            check_size(os.fstat(file.fileno()).st_size, origin=str(path))
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise unreadable(path, error, declared) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"byte {error.start} of this file is not UTF-8",
            place=Place(origin=str(path)),
            remedy="save it as UTF-8",
        ) from error


def unreadable(path: Path, error: OSError, declared: Place | None = None) -> SourceUnavailableError:
    said = f"{declared}: " if declared else ""
    return SourceUnavailableError(f"{said}{path} cannot be read: {(error.strerror or str(error)).lower()}")


def find_documents(paths: Sequence[Path]) -> tuple[list[Document], list[DefinitionError]]:
    """The declaration documents of these files and folders, and the faults of those that cannot be parsed.

    A file counts if it is named, or if it says `version:` with a whole number at its top. Raises
    ``SourceUnavailableError`` for a path that is not there, or that has no such file.
    """
    documents: dict[Path, Document] = {}
    errors: list[DefinitionError] = []
    for path in paths:
        declared = False
        for file in walk([path]):
            if file != path and not _mentions_version(file):
                continue
            try:
                document = read_document(file)
            except DefinitionError as error:
                errors.append(error)
                declared = True
                continue
            # Further down than at the top, `version` belongs to something else's file.
            if file == path or (isinstance(document.value, dict) and "version" in document.value):
                documents.setdefault(file.resolve(), document)
                declared = True
        if not declared:
            raise SourceUnavailableError(f"there are no declarations in {path}: no file says `version: 1`")
    return list(documents.values()), errors


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """These files, and YAML and JSON files below these folders; no hidden ones, no linked folders."""
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _below(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise unreadable(Path(error.filename), error) from error

    for root, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if Path(name).suffix in PARSERS and not name.startswith("."):
                yield Path(root, name)


def _mentions_version(path: Path) -> bool:
    """Whether anything in it looks like our version: a cheap look, as folders hold all sorts of JSON."""
    try:
        with path.open("rb") as file:
            return bool(_VERSION.search(file.read(MAX_BYTES)))
    except OSError as error:
        raise unreadable(path, error) from error
