"""Calls one stored procedure, as the file named by the only argument says: ``python -m … CALL_FILE``.

Exit codes: 0 when the call returned, 1 when it failed (the error is on stderr), 143 when it was stopped by SIGTERM.
SIGTERM cancels the statement on the server, so that it really stops, and is repeated until it has.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

from conductor_agent import placeholders
from conductor_agent.children import report
from conductor_agent.children.procedure import CallError, Session, parse, until_stopped
from conductor_agent.errors import RunError

_STOPPED = 128 + signal.SIGTERM


def main(path: str) -> int:
    """Does not return: Python's own way out would take the driver apart, module by module, and that costs several
    times what most calls do (17 ms against 1). There is no code here but ours, which leaves nothing to be tidied up.
    """
    status = _call(path)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _call(path: str) -> int:
    call = json.loads(Path(path).read_bytes())
    canceller = _Canceller()
    try:
        spec: Any = placeholders.fill(call["spec"], call["values"], os.environ)
        session = open_session(spec["database"], call["slot"])
        canceller.session = session
        values = session.call(parse(spec))
    except (CallError, RunError) as error:
        sys.stderr.write(f"{error}\n")
        return _STOPPED if canceller.stopping.is_set() else 1
    finally:
        canceller.finished.set()
        if canceller.session is not None:
            canceller.session.close()
    if values:
        report.result(Path(call["messages"]), {name: _plain(value) for name, value in values.items()})
    return 0


def open_session(url: str, slot: str) -> Session:
    """Connects to the database of a URL; the driver is imported only here. Raises ``CallError``."""
    dialect = url.partition("://")[0].partition("+")[0]
    match dialect:
        case "postgresql" | "postgres":
            from conductor_agent.children.postgresql import PostgresqlSession

            return PostgresqlSession(url, slot)
        case "mysql" | "mariadb":
            from conductor_agent.children.mysql import MysqlSession

            return MysqlSession(url)
        case _:
            raise CallError(f"a database is written postgresql://… or mysql://…, not {dialect!r}")


class _Canceller:
    """Waits for SIGTERM in a thread of its own: the main one sits in a driver and would not notice."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.stopping = threading.Event()
        self.finished = threading.Event()
        # blocked before the thread starts, so that no other thread takes the signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        self.stopping.set()
        if self.session is None:
            os._exit(_STOPPED)  # still connecting: there is no statement to stop
        until_stopped(self.session, self.finished)


def _plain(value: Any) -> Any:
    """Numbers stay numbers: a NUMERIC is read back as one; everything else that JSON lacks becomes text."""
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
