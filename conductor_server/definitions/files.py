"""The definition source of YAML and JSON files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from conductor_server.definitions.loading import FILES, load_files
from conductor_server.definitions.texts import unreadable, walk
from conductor_server.model.definition import Declarations


class FileSource:
    """Files and folders, all together one source. Built by ``registry``."""

    def __init__(self, locations: Sequence[str], environment: Mapping[str, str]) -> None:
        self._paths = [Path(location) for location in locations]
        self._environment = environment
        self._pointed_to: tuple[Path, ...] = ()
        self._live = False

    @property
    def token(self) -> str:
        return FILES

    @property
    def live(self) -> bool:
        return self._live

    def read(self) -> Declarations:
        loaded = load_files(self._paths, environment=self._environment, offline=False)
        self._pointed_to, self._live = loaded.files, loaded.live
        return loaded.declarations

    def fingerprint(self) -> str:
        """Of names, sizes and times of change, also of the files that the last reading pointed to."""
        digest = hashlib.sha256()
        for path in [*walk(self._paths), *self._pointed_to]:
            try:
                status = path.stat()
            except OSError as error:
                raise unreadable(path, error) from error
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}\n".encode())
        return digest.hexdigest()
