"""`conductor-cli validate`: every fault of a set of files at once, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from conductor_cli.output import counted, format_option, say, show_json

if TYPE_CHECKING:
    from conductor_cli.declarations import Checked
    from conductor_server.model.definition import Place
    from conductor_server.model.errors import DefinitionErrors


@click.command("validate")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@format_option
def command(paths: tuple[str, ...], format: str) -> None:
    """Check definition files or folders.

    Every fault is shown as file:line:column: message, with its remedy, and the exit code is 1.
    """
    from conductor_cli.declarations import read
    from conductor_server.model.errors import DefinitionErrors

    try:
        checked = read(paths)
    except DefinitionErrors as errors:
        _show_errors(errors, format=format)
        raise SystemExit(1) from None
    _show_summary(checked, format=format)


def _show_errors(errors: DefinitionErrors, *, format: str) -> None:
    if format == "json":
        show_json(
            _document(
                errors=[{**_point(each.place, each.message), "remedy": each.remedy} for each in errors.errors]
            )
        )
        return
    say(str(errors))
    say(f"{counted(len(errors.errors), 'error')}; nothing of this would be applied")


def _show_summary(checked: Checked, *, format: str) -> None:
    declarations, graph = checked.declarations, checked.graph
    tables = {table for each in graph.definitions.values() for table in (*each.tables_read, *each.writes_to)}
    numbers = {
        "definitions": len(graph.definitions),
        "dependencies": len(graph.dependencies),
        "tables": len(tables),
        "accounts": len(declarations.accounts),
    }
    if format == "json":
        warnings = [_point(each.place, each.message) for each in graph.warnings]
        show_json(_document(**numbers, external_tables=list(graph.external_tables), warnings=warnings))
        return
    for warning in graph.warnings:
        say(f"{warning.place}: warning: {warning.message}")
    if graph.external_tables:
        say(f"read, and written by nobody here: {', '.join(graph.external_tables)}")
    say(
        f"ok: {counted(numbers['definitions'], 'definition')}, {counted(numbers['dependencies'], 'dependency')}, "
        f"{counted(numbers['tables'], 'table')}, {counted(numbers['accounts'], 'account')}, "
        f"{counted(len(graph.warnings), 'warning')}"
    )


def _document(**found: Any) -> dict[str, Any]:
    """Every key is always there."""
    nothing: dict[str, Any] = {
        "ok": "errors" not in found,
        "definitions": None,
        "dependencies": None,
        "tables": None,
        "accounts": None,
        "external_tables": [],
        "warnings": [],
        "errors": [],
    }
    return nothing | found


def _point(place: Place, message: str) -> dict[str, Any]:
    return {"file": place.origin, "line": place.line, "column": place.column, "message": message}
