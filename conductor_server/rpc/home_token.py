"""The token that needs no set-up: a file in the home folder, made on the first start, that only this user can read.

Whoever can read it is the user whom the server runs as, and may do everything. Agents and the command line of that user
find it there by themselves. It is not in the database: to revoke it, remove the file and start the server again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from conductor_server.model import tokens
from conductor_server.model.errors import ConductorError, InsecureError

TOKEN_CHARACTERS_MIN = 22
"""128 bits in base64. A shorter token can be guessed; an empty one would be everybody's."""


def ensure_token(path: Path) -> str:
    """The token in that file, which is made if need be. Raises InsecureError when others can read or guess it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make_token(path)
    if path.stat().st_mode & 0o077:
        raise InsecureError(f"others can read the token in {path}: chmod 600 {path}")
    try:
        token = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise ConductorError(f"there is no token in {path}, but bytes: remove the file") from None
    if len(token) < TOKEN_CHARACTERS_MIN:
        raise InsecureError(
            f"the token in {path} is too short to be one: remove the file, and a new one is made"
        )
    return token


def _make_token(path: Path) -> None:
    """Whole or not at all: a server killed meanwhile leaves no empty token, and of two that start, one token stays."""
    id = tokens.token_id(secrets.token_bytes(tokens.ID_BYTES))
    token = tokens.write("home", id, secrets.token_bytes(tokens.SECRET_BYTES))
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{token}\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
