"""Where the server is, with what token, and where the agent keeps its things."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conductor_agent.errors import UsageError

DEFAULT_ADDRESS = "127.0.0.1:7400"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


def home(environment: Mapping[str, str]) -> Path:
    """The folder that server, agents and command line of one user share: ``CONDUCTOR_HOME`` or ``~/.conductor``."""
    return Path(environment.get("CONDUCTOR_HOME") or "~/.conductor").expanduser()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to reach the server. Address and token are looked up at every connection: a server may have moved.

    ``address`` may name several servers of one database, with commas between them.
    ``ca`` names a file of root certificates; with ``tls`` alone those of the system are trusted. The client certificate
    is shown to a server that asks for one. Raises ``UsageError`` when it comes without its key.
    """

    home: Path
    address: str | None = None
    token: str | None = None
    token_file: Path | None = None
    tls: bool = False
    ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None

    def __post_init__(self) -> None:
        if (self.client_certificate is None) != (self.client_key is None):
            raise UsageError("a client certificate and its key belong together: give both, or neither")

    @property
    def is_encrypted(self) -> bool:
        return self.tls or self.ca is not None or self.client_certificate is not None

    def find_address(self, turn: int = 0) -> str:
        """What was given, else what the server of the same user has written down, else the default.

        Of several that were given, the one whose turn it is.
        """
        if given := [each.strip() for each in (self.address or "").split(",") if each.strip()]:
            return given[turn % len(given)]
        try:
            return str(json.loads((self.home / "server.json").read_text())["address"])
        except (OSError, ValueError, KeyError, TypeError):
            return DEFAULT_ADDRESS

    def find_token(self) -> str | None:
        """From the file that was named, else as given, else from ``token`` in the home folder; ``None`` for none.

        With a client certificate the home folder is not asked: the certificate says who we are.
        """
        if self.token_file is None and self.token is not None:
            return self.token
        if self.token_file is None and self.client_certificate is not None:
            return None
        try:
            return (self.token_file or self.home / "token").read_text().strip() or None
        except OSError:
            return None

    def roots(self) -> bytes | None:
        """The certificates to trust. Raises ``UsageError`` when the file cannot be read."""
        return _content(self.ca, "the certificates")

    def identity(self) -> tuple[bytes | None, bytes | None]:
        """The client certificate and its key. Raises ``UsageError`` when a file cannot be read."""
        return (
            _content(self.client_certificate, "the client certificate"),
            _content(self.client_key, "the client key"),
        )


def _content(file: Path | None, what: str) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{what} {file} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the agent says it is. ``instance`` is new with every process."""

    name: str
    instance: str
    host: str
    limits: Mapping[str, int]


def parse_sources(texts: tuple[str, ...], *, concurrency: int) -> dict[str, int]:
    """``cron`` or ``cron=8``, each with its bound. Raises ``UsageError``."""
    limits: dict[str, int] = {}
    for text in texts:
        source, _, bound = text.partition("=")
        if source in limits:
            raise UsageError(f"the source {source} is given twice")
        if bound and not (bound.isascii() and bound.isdigit() and int(bound) > 0):
            raise UsageError(f"a source is written name or name=number, not {text!r}")
        limits[source] = int(bound) if bound else concurrency
    return limits


def default_name(host: str, sources: tuple[str, ...]) -> str:
    """Stable over restarts, and different for agents of different sources on one host."""
    return check_name("-".join([host or "agent", *sorted(sources)]))


def check_name(name: str) -> str:
    """The name, which is also that of a folder. Raises ``UsageError``."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"an agent's name has letters, digits, and . _ + - only: {name!r} will not do")
    return name


def state_folder(home: Path, name: str) -> Path:
    return home / "agents" / name


def absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
