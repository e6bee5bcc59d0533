"""`conductor-cli definitions`: what is declared, as the server knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, counts, instant
from conductor_cli.output import (
    counted,
    counts_in_words,
    format_option,
    joined,
    say,
    show_facts,
    show_json,
    show_table,
)
from conductor_cli.paging import collect, limit_option, show_list

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Definition, GetDefinitionResponse
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub


@click.group("definitions")
def command() -> None:
    """List, show, pause and resume definitions."""


@command.command("list")
@click.option("--contains", metavar="TEXT", default="", help="Only those whose name has this in it.")
@limit_option
@format_option
@with_server
def list_definitions(server: ControlServiceStub, contains: str, limit: int, format: str) -> None:
    """List definitions by name."""
    from conductor_proto.v1.control_service_pb2 import ListDefinitionsRequest

    request = ListDefinitionsRequest(name_contains=contains)
    show_list(
        "definitions",
        collect(server.ListDefinitions, request, "definitions", limit=limit),
        {
            "name": lambda row: row.name,
            "source": lambda row: row.source,
            "frequency": lambda row: row.frequency,
            "matrix": lambda row: row.matrix,
            "active": lambda row: "yes" if row.active else "paused",
            "due slots": lambda row: counts_in_words(counts(row.slots)),
        },
        format=format,
        limit=limit,
    )


@command.command("show")
@click.argument("name")
@format_option
@with_server
def show(server: ControlServiceStub, name: str, format: str) -> None:
    """Show one definition with its spec, parents and children."""
    from conductor_proto.v1.control_service_pb2 import GetDefinitionRequest

    answer = server.GetDefinition(GetDefinitionRequest(name=name))
    if format == "json":
        show_json(as_data(answer))
        return
    show_facts(_facts(answer))
    show_table(
        [
            *((each, "parent", each.parent) for each in answer.parents),
            *((each, "child", each.child) for each in answer.children),
        ],
        {
            "relation": lambda row: row[1],
            "definition": lambda row: row[2],
            "window": lambda row: row[0].window_rule,
            "tables": lambda row: joined(row[0].tables),
        },
        empty="no parents, no children",
        title="dependencies",
    )


@command.command("pause")
@click.argument("name")
@format_option
@with_server
def pause(server: ControlServiceStub, name: str, format: str) -> None:
    """Start no new runs of a definition; running ones go on."""
    _set_active(server, name, active=False, format=format)


@command.command("resume")
@click.argument("name")
@format_option
@with_server
def resume(server: ControlServiceStub, name: str, format: str) -> None:
    """Start runs of a paused definition again."""
    _set_active(server, name, active=True, format=format)


@command.command("confirm-removal")
@click.argument("source_token")
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(min=1),
    required=True,
    help="How many removals are expected, as the problem shown by `status` says.",
)
@format_option
@with_server
def confirm_removal(server: ControlServiceStub, source_token: str, count: int, format: str) -> None:
    """Allow a removal of definitions that the server has held back."""
    from conductor_proto.v1.control_service_pb2 import ConfirmRemovalRequest

    answer = server.ConfirmRemoval(ConfirmRemovalRequest(source_token=source_token, count=count))
    if format == "json":
        show_json(as_data(answer))
        return
    removed = counted(len(answer.names), "definition")
    say(f"{removed} of {source_token} will be removed: {joined(answer.names)}")


def _set_active(server: ControlServiceStub, name: str, *, active: bool, format: str) -> None:
    from conductor_proto.v1.control_service_pb2 import SetDefinitionActiveRequest

    answer = server.SetDefinitionActive(SetDefinitionActiveRequest(name=name, active=active))
    if format == "json":
        show_json(as_data(answer))
        return
    say(f"{answer.definition.name} is {'active' if answer.definition.active else 'paused'}")


def _facts(answer: GetDefinitionResponse) -> dict[str, str]:
    definition: Definition = answer.definition
    return {
        "definition": definition.name,
        "for": definition.description,
        "source": definition.source,
        "frequency": definition.frequency,
        "matrix": definition.matrix,
        "start": definition.start_policy,
        "retry": definition.retry_policy,
        "reads": joined(definition.reads_from),
        "writes": joined(definition.writes_to),
        "active": "yes" if definition.active else "paused",
        "priority": str(definition.priority),
        "pools": joined(definition.pools),
        "starts at": instant(definition.starts_at) if definition.HasField("starts_at") else "",
        "declared": " at ".join(filter(None, [definition.source_token, definition.place])),
        "due slots": counts_in_words(counts(definition.slots)),
        **{f"spec.{key}": str(value) for key, value in (as_data(answer)["spec"] or {}).items()},
    }
