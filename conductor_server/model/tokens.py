"""The text of a token, ``cdr_<kind>_<id>_<secret>``, and the only thing of it that is kept: its SHA-256.

Kind and id may be shown, logged and looked up; the secret is 256 random bits in base32, so a fast hash is enough. The
hash covers the whole text: a token whose kind or id was changed is another token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

ID_BYTES = 5
SECRET_BYTES = 32

_FORM = re.compile(r"cdr_([a-z]+)_([a-z2-7]{8})_[a-z2-7]{52}")


def token_id(random: bytes) -> str:
    assert len(random) == ID_BYTES
    return _base32(random)


def write(kind: str, id: str, secret: bytes) -> str:
    assert len(secret) == SECRET_BYTES
    token = f"cdr_{kind}_{id}_{_base32(secret)}"
    assert id_of(token) == id
    return token


def id_of(token: str) -> str:
    """The id in a token; empty when the text has not the form of one."""
    found = _FORM.fullmatch(token)
    return found[2] if found else ""


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def is_same(token: str, kept: bytes) -> bool:
    """Whether the hash is that token's, in a time that does not tell how nearly."""
    return hmac.compare_digest(hash_of(token), kept)


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
