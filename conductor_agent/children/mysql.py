"""CALL on MySQL and MariaDB. The name is looked up in information_schema and quoted; values are data.

Times are handed over in UTC, and the session's zone is UTC as well.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.cursors import Cursor

from conductor_agent.children.procedure import Argument, Call, CallError, note, show_rows, until_stopped

_ROUTINE = """
SELECT ROUTINE_SCHEMA FROM information_schema.ROUTINES
WHERE ROUTINE_TYPE = 'PROCEDURE' AND ROUTINE_SCHEMA = COALESCE(%s, DATABASE()) AND ROUTINE_NAME = %s
"""
_PARAMETERS = """
SELECT PARAMETER_NAME, PARAMETER_MODE, DATA_TYPE FROM information_schema.PARAMETERS
WHERE ROUTINE_TYPE = 'PROCEDURE' AND SPECIFIC_SCHEMA = %s AND SPECIFIC_NAME = %s ORDER BY ORDINAL_POSITION
"""


class MysqlSession:
    """One connection in autocommit, and a second one for as long as it takes to kill the first one's statement."""

    def __init__(self, url: str) -> None:
        self._options = _options(url)
        self._connection = self._connect()
        self._thread = _thread_id(self._connection)
        self._cancelled = False

    def _connect(self) -> pymysql.Connection[Cursor]:
        try:
            return pymysql.connect(**self._options)
        except pymysql.MySQLError as error:
            raise CallError(f"the database cannot be reached: {_text(error)}") from error

    def call(self, call: Call) -> dict[str, Any]:
        finished, late = threading.Event(), threading.Event()
        if call.timeout is not None:
            threading.Thread(target=self._bound, args=(call.timeout, finished, late), daemon=True).start()
        try:
            with self._connection.cursor() as cursor:
                return self._execute(cursor, call)
        except pymysql.MySQLError as error:
            reason = f"the statement timeout of {call.timeout:g} s was reached: " if late.is_set() else ""
            raise CallError(reason + _text(error)) from error
        finally:
            finished.set()

    def cancel(self) -> None:
        # Another connection has to do it: one that executes reads nothing. A procedure may outlive the end of one of
        # its statements, as it does that of a SLEEP; then the connection goes.
        order = "KILL CONNECTION %s" if self._cancelled else "KILL QUERY %s"
        self._cancelled = True
        with (
            contextlib.suppress(CallError, pymysql.MySQLError),
            self._connect() as killer,
            killer.cursor() as cursor,
        ):
            cursor.execute(order, (self._thread,))

    def close(self) -> None:
        with contextlib.suppress(pymysql.MySQLError):
            self._connection.close()

    def _bound(self, timeout: float, finished: threading.Event, late: threading.Event) -> None:
        """Ends the call after a time, by hand: MariaDB could do it alone, and MySQL only for a SELECT."""
        if not finished.wait(timeout):
            late.set()
            until_stopped(self, finished)

    def _execute(self, cursor: Cursor, call: Call) -> dict[str, Any]:
        cursor.execute(_ROUTINE, (call.schema, call.name))
        found = cursor.fetchone()
        if found is None:
            raise CallError(f"there is no procedure {call.full_name} in this database")
        cursor.execute(_PARAMETERS, (found[0], call.name))
        declared = cursor.fetchall()
        _check(call, declared)
        passed: list[str] = []
        values: list[Any] = []
        returned: list[str] = []
        for position, (name, mode, kind) in enumerate(declared):
            value = _bindable(call.arguments.get(name, Argument()).value, kind)
            if mode == "IN":
                passed.append("%s")
                values.append(value)
                continue
            variable = f"@_conductor_{position}"
            cursor.execute(f"SET {variable} = %s", (value,))
            passed.append(variable)
            returned.append(f"{variable} AS {_quoted(name)}")
        cursor.execute(f"CALL {_quoted(found[0])}.{_quoted(call.name)}({', '.join(passed)})", values)
        _show_results(cursor)
        return _read_back(cursor, returned)


def _check(call: Call, declared: Any) -> None:
    """Every IN and INOUT parameter is given, no other one is, and each in its own direction."""
    modes = {name: mode for name, mode, _ in declared}
    signature = f"{call.full_name}({', '.join(f'{mode} {name} {kind}' for name, mode, kind in declared)})"
    missing = [name for name, mode in modes.items() if mode != "OUT" and name not in call.arguments]
    if missing or not call.arguments.keys() <= modes.keys():
        raise CallError(f"the parameters {sorted(call.arguments)} do not fit {signature}")
    for name, argument in call.arguments.items():
        if (argument.gives and modes[name] == "OUT") or (argument.returns and modes[name] == "IN"):
            raise CallError(f"the parameter {name} is {modes[name]} in {signature}")


def _show_results(cursor: Cursor) -> None:
    while True:
        if cursor.description:
            show_rows([column[0] for column in cursor.description], cursor.fetchall())
        if not cursor.nextset():
            break
    cursor.execute("SHOW WARNINGS")
    for level, _, message in cursor.fetchall():
        note(f"{str(level).upper()}: {message}")


def _read_back(cursor: Cursor, returned: list[str]) -> dict[str, Any]:
    if not returned:
        return {}
    cursor.execute(f"SELECT {', '.join(returned)}", ())
    row = cursor.fetchone()
    assert row is not None
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _bindable(value: Any, kind: str) -> Any:
    """An ISO instant becomes what the type can read: these servers refuse the ``Z``."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, str) and kind.lower() in {"datetime", "timestamp", "date"}:
        try:
            instant = dt.datetime.fromisoformat(value)
        except ValueError:
            return value
        utc = instant.astimezone(dt.UTC).replace(tzinfo=None) if instant.tzinfo else instant
        return utc.date() if kind.lower() == "date" else utc
    return value


def _quoted(name: str) -> str:
    """An identifier, also safe inside a query with ``%s`` in it."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def _thread_id(connection: pymysql.Connection[Cursor]) -> int:
    return int(connection.thread_id())  # type: ignore[no-untyped-call]  # the stubs leave this one out


def _options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 3306,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")) or None,
        "charset": query.get("charset", "utf8mb4"),
        "autocommit": True,
        "connect_timeout": 10,
        "init_command": "SET time_zone = '+00:00'",
    }
    return options | {name: query[name] for name in ("unix_socket", "ssl_ca") if name in query}


def _text(error: pymysql.MySQLError) -> str:
    number, *text = error.args or ("",)
    return f"ERROR {number}: {text[0]}" if text else str(error)
