"""CALL on PostgreSQL. The name is looked up in the catalogue and quoted; every value is bound to its declared type."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic

from conductor_agent.children.procedure import Argument, Call, CallError, note, show_rows

_ROUTINES = """
SELECT n.nspname, p.prokind::text, p.pronargdefaults, p.proargnames, p.proargmodes::text[],
       ARRAY(SELECT format_type(kind, NULL)
             FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS kinds (kind, position)
             ORDER BY position)
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.proname = %(name)s AND p.prokind IN ('p', 'f')
  AND CASE WHEN %(schema)s::text IS NULL THEN pg_catalog.pg_function_is_visible(p.oid)
           ELSE n.nspname = %(schema)s END
ORDER BY p.oid
"""

_CHECK_CLIENT_EVERY = "2s"  # the server ends a statement whose client is gone; it would never look by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameter:
    """A parameter as the catalogue declares it."""

    name: str
    kind: str
    gives: bool
    returns: bool
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Routine:
    """A procedure, or a function, which older warehouses use as one."""

    schema: str
    is_procedure: bool
    parameters: tuple[_Parameter, ...]

    def fits(self, arguments: dict[str, Argument]) -> bool:
        """Whether the arguments are of this overload: none missing, none unknown, none in the wrong direction."""
        declared = {parameter.name: parameter for parameter in self.parameters}
        required = {p.name for p in self.parameters if p.gives and not p.optional}
        given = {name for name, argument in arguments.items() if argument.gives}
        returned = {name for name, argument in arguments.items() if argument.returns}
        return (
            arguments.keys() <= declared.keys()
            and required <= given
            and all(declared[name].gives for name in given)
            and all(declared[name].returns for name in returned)
        )

    def __str__(self) -> str:
        return ", ".join(
            f"{'in' if p.gives else ''}{'out' if p.returns else ''} {p.name or '(without a name)'} {p.kind}"
            for p in self.parameters
        )


class PostgresqlSession:
    """One connection in autocommit, so that a procedure may COMMIT by itself."""

    def __init__(self, url: str, slot: str) -> None:
        dialect, _, rest = url.partition("://")
        plain_url = f"{dialect.partition('+')[0]}://{rest}"
        try:
            self._connection = psycopg.connect(
                plain_url, autocommit=True, application_name=f"conductor {slot}"
            )
        except psycopg.Error as error:
            raise CallError(f"the database cannot be reached: {error}") from error
        self._connection.add_notice_handler(_show_notice)

    def call(self, call: Call) -> dict[str, Any]:
        try:
            self._prepare(call.timeout)
            routine = self._find(call)
            return self._execute(call, routine)
        except psycopg.Error as error:
            raise CallError(_text(error)) from error

    def cancel(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5.0)

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _prepare(self, timeout: float | None) -> None:
        with contextlib.suppress(psycopg.Error):  # since PostgreSQL 14, and not on every system
            self._set("client_connection_check_interval", _CHECK_CLIENT_EVERY)
        if timeout is not None:
            self._set("statement_timeout", f"{max(1, round(timeout * 1000))}ms")

    def _set(self, name: str, value: str) -> None:
        self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))

    def _find(self, call: Call) -> _Routine:
        rows = self._connection.execute(_ROUTINES, {"schema": call.schema, "name": call.name}).fetchall()
        routines = [_routine(*row) for row in rows]
        if not routines:
            raise CallError(f"there is no procedure {call.full_name} in this database")
        fitting = [routine for routine in routines if routine.fits(dict(call.arguments))]
        if len(fitting) != 1:
            problem = "do not fit any" if not fitting else "fit more than one"
            signatures = "; ".join(f"{call.full_name}({routine})" for routine in routines)
            raise CallError(f"the parameters {sorted(call.arguments)} {problem} of {signatures}")
        return fitting[0]

    def _execute(self, call: Call, routine: _Routine) -> dict[str, Any]:
        passed: list[sql.Composable] = []
        values: list[Any] = []
        for parameter in routine.parameters:
            argument = call.arguments.get(parameter.name)
            if parameter.gives and argument is None:
                continue  # it has a default
            if not parameter.gives and not routine.is_procedure:
                continue  # the OUT parameters of a function are its columns
            # the type is the catalogue's own text, never that of a definition
            kind = sql.SQL(_literal(parameter.kind))
            passed.append(sql.SQL("{} => %s::{}").format(_identifier(parameter.name), kind))
            values.append(_bindable(argument, parameter.kind))
        statement = sql.SQL("CALL {}({})" if routine.is_procedure else "SELECT * FROM {}({})").format(
            _identifier(routine.schema, call.name), sql.SQL(", ").join(passed)
        )
        cursor = self._connection.execute(statement, values)
        return _taken(cursor, routine)


def _taken(cursor: psycopg.Cursor[Any], routine: _Routine) -> dict[str, Any]:
    """OUT parameters are the result; the rows of a function are for the log, and a single one is the result too."""
    if cursor.description is None:
        return {}
    columns = [column.name for column in cursor.description]
    rows = cursor.fetchall()
    if not routine.is_procedure:
        show_rows(columns, rows)
    return dict(zip(columns, rows[0], strict=True)) if len(rows) == 1 else {}


def _routine(
    schema: str, kind: str, defaults: int, names: list[str] | None, modes: list[str] | None, kinds: list[str]
) -> _Routine:
    modes = modes or ["i"] * len(kinds)
    names = names or [""] * len(kinds)
    declared = [
        (name, kind_, mode) for name, kind_, mode in zip(names, kinds, modes, strict=True) if mode != "t"
    ]
    inputs = sum(mode != "o" for _, _, mode in declared)
    parameters: list[_Parameter] = []
    for name, kind_, mode in declared:
        before = sum(parameter.gives for parameter in parameters)
        parameters.append(
            _Parameter(
                name=name,
                kind=kind_,
                gives=mode != "o",
                returns=mode in "ob",
                optional=mode != "o" and before >= inputs - defaults,
            )
        )
    return _Routine(schema=schema, is_procedure=kind == "p", parameters=tuple(parameters))


def _identifier(*names: str) -> sql.Identifier:
    return sql.Identifier(*(_literal(name) for name in names))


def _literal(text: str) -> str:
    """A text of the catalogue inside a statement that has parameters, where a ``%`` is written twice."""
    return text.replace("%", "%%")


def _bindable(argument: Argument | None, kind: str) -> Any:
    value = None if argument is None else argument.value
    if kind in {"json", "jsonb"} and value is not None:
        return value if isinstance(value, str) else json.dumps(value)
    return json.dumps(value) if isinstance(value, dict) else value


def _show_notice(notice: Diagnostic) -> None:
    note(f"{notice.severity}: {notice.message_primary}")


def _text(error: psycopg.Error) -> str:
    diagnostic = error.diag
    parts = [f"{diagnostic.severity or 'ERROR'}: {diagnostic.message_primary or error}"]
    for name, text in (
        ("DETAIL", diagnostic.message_detail),
        ("HINT", diagnostic.message_hint),
        ("CONTEXT", diagnostic.context),
        ("SQLSTATE", error.sqlstate),
    ):
        if text:
            parts.append(f"{name}: {text}")
    return "\n".join(parts)
