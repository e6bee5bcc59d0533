"""Asks a definition source in a thread of its own, and waits for its answer for so long and no longer.

A source reaches into file systems and databases, and may hang there. The engine must not hang with it: a leader that
does nothing goes on renewing its lease, and keeps every other server from the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Patient(Generic[T]):
    """One source's questions, one at a time: while an answer is owed, no other question is asked.

    ``patience_s`` is how long an answer is waited for when it is asked for first; later on it is only looked for.
    """

    def __init__(self, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._owed: Future[T] | None = None

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to this question, or to the one that was asked before. Raises ``TimeoutError`` while it is owed.

        Whatever else the question raises, is raised here.
        """
        patience_s = 0.0
        if self._owed is None:
            self._owed, patience_s = _begin(question), self._patience_s
        try:
            return self._owed.result(timeout=patience_s)
        finally:
            if self._owed.done():
                self._owed = None


def _begin(question: Callable[[], T]) -> Future[T]:
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # a plugin may even exit: who waits is told
            answer.set_exception(error)

    # A daemon: what hangs must not keep the server from stopping either.
    threading.Thread(target=work, name="definition source", daemon=True).start()
    return answer
