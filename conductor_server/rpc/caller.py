"""Whose call is being answered, for the methods of the services. ``rpc/guard`` says it; without it, it is nobody's."""

from __future__ import annotations

from contextvars import ContextVar

from conductor_server.model.credentials import NOBODY, Credential

_caller: ContextVar[Credential] = ContextVar("caller", default=NOBODY)


def caller() -> Credential:
    """The credential of the present call, by which it was let in."""
    return _caller.get()


def set_caller(credential: Credential) -> None:
    """From here on, in this task or thread. Both answer one call at a time, and each call sets its own."""
    _caller.set(credential)
