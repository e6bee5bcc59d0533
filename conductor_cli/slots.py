"""`conductor-cli slots`: the things that must be run once, and why one has not run yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from conductor_cli.client import with_server
from conductor_cli.data import as_data, instant, word
from conductor_cli.output import format_option, say, show_facts, show_json, show_table
from conductor_cli.paging import LARGEST_PAGE, collect, limit_option, show_list
from conductor_cli.runs import RUN_COLUMNS

if TYPE_CHECKING:
    from conductor_proto.v1.control_service_pb2 import Slot
    from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub

CONDITIONS = [
    "not_due",
    "waiting_for_inputs",
    "blocked",
    "paused",
    "maintenance",
    "waiting_for_capacity",
    "queued",
    "no_agent",
    "running",
    "retrying",
    "failed",
    "succeeded",
    "skipped",
    "cancelled",
    "quarantined",
]
"""The words of the proto's enum, which is not imported for `--help`; a test compares the two."""


@click.group("slots")
def command() -> None:
    """List, count and show slots, release and discard them, say how they ended."""


@command.command("list")
@click.option("--definition", metavar="NAME", default="", help="Only this definition's.")
@click.option("--account", metavar="TOKEN", default="", help="Only this account's, keywords included.")
@click.option("--window", metavar="LABEL", default="", help="Only windows with this label: 2026-11-20.")
@click.option(
    "--condition", "conditions", type=click.Choice(CONDITIONS), multiple=True, help="Only these; repeatable."
)
@click.option("--not-due", is_flag=True, help="Also slots whose window has not closed yet.")
@limit_option
@format_option
@with_server
def list_slots(
    server: ControlServiceStub,
    definition: str,
    account: str,
    window: str,
    conditions: tuple[str, ...],
    not_due: bool,
    limit: int,
    format: str,
) -> None:
    """List slots, the newest window first."""
    from conductor_proto.v1.control_service_pb2 import Condition, ListSlotsRequest

    request = ListSlotsRequest(
        definition=definition,
        account=account,
        window_label=window,
        conditions=[Condition.Value(f"CONDITION_{each.upper()}") for each in conditions],
        include_not_due=not_due or "not_due" in conditions,
    )
    show_list(
        "slots",
        collect(server.ListSlots, request, "slots", limit=limit),
        {
            "slot": lambda row: row.name,
            "condition": condition,
            "attempts": lambda row: str(row.attempts),
            "run": lambda row: str(row.run_id or ""),
            "why": lambda row: row.reason,
        },
        format=format,
        limit=limit,
    )


@command.command("summary")
@click.option("--definition", metavar="NAME", default="", help="Only this definition's.")
@click.option("--account", metavar="TOKEN", default="", help="Only this account's, keywords included.")
@click.option("--window", metavar="LABEL", default="", help="Only windows with this label: 2026-11-20.")
@click.option(
    "--reasons",
    metavar="N",
    type=click.IntRange(1, LARGEST_PAGE),
    default=20,
    show_default=True,
    help="At most so many reasons.",
)
@format_option
@with_server
def summary(
    server: ControlServiceStub, definition: str, account: str, window: str, reasons: int, format: str
) -> None:
    """Count slots by state, and by the reasons of those that did not succeed."""
    from conductor_proto.v1.control_service_pb2 import SlotState, SummarizeSlotsRequest

    request = SummarizeSlotsRequest(
        definition=definition, account=account, window_label=window, page_size=reasons
    )
    answer = server.SummarizeSlots(request)
    if format == "json":
        show_json(as_data(answer))
        return
    state = partial(word, SlotState.DESCRIPTOR)
    show_table(
        answer.states,
        {"state": lambda row: state(row.state), "slots": lambda row: f"{row.count:,}"},
        empty="no slots",
    )
    if answer.reasons:
        show_table(
            answer.reasons,
            {
                "state": lambda row: state(row.state),
                "slots": lambda row: f"{row.count:,}",
                "why": lambda row: row.reason,
                "such as": lambda row: row.slot,
            },
            title="what did not succeed",
        )
    if answer.reasons_omitted:
        say(f"{answer.reasons_omitted:,} more reasons; more with --reasons")


@command.command("show")
@click.argument("slot")
@format_option
@with_server
def show(server: ControlServiceStub, slot: str, format: str) -> None:
    """Show one slot: why it does not run, the slots it needs, and its runs."""
    from conductor_proto.v1.control_service_pb2 import GetSlotRequest

    answer = server.GetSlot(GetSlotRequest(name=slot))
    if format == "json":
        show_json(as_data(answer))
        return
    found = answer.slot
    show_facts(
        {
            "slot": found.name,
            "condition": condition(found),
            "why": found.reason,
            "member": f"{found.member.matrix} {found.member.token}".strip(),
            "window": f"{instant(found.window.start)} to {instant(found.window.end)}",
            "time zone": found.member.timezone,
            "attempts": str(found.attempts),
        }
    )
    if answer.reasons:
        show_table(
            answer.reasons,
            {
                "reason": lambda row: row.code.replace("_", " "),
                "at fault": lambda row: row.slot,
                "explanation": lambda row: "\n← ".join([row.message, *row.chain]),
            },
            title="what holds it back",
        )
    show_table(
        answer.parents,
        {"slot": lambda row: row.name, "condition": condition, "why": lambda row: row.reason},
        empty="needs no other slot",
        title="needs",
    )
    show_table(answer.runs, RUN_COLUMNS, empty="has not run yet", title="runs")
    if any(run.late_reports for run in answer.runs):
        show_table(
            [(run.id, late) for run in answer.runs for late in run.late_reports],
            {"run": lambda row: str(row[0]), "report": lambda row: row[1]},
            title=f"came too late, and changed nothing (if it was done: conductor-cli slots succeed {found.name})",
        )


def _chosen_slots(command: Callable[..., None]) -> Callable[..., None]:
    """Slots by name, or all that are in quarantine of a definition or an account."""
    for parameter in (
        click.option("--account", metavar="TOKEN", default="", help="All of this account's in quarantine."),
        click.option(
            "--definition", metavar="NAME", default="", help="All of this definition's in quarantine."
        ),
        click.argument("slots", metavar="[SLOT]...", nargs=-1),
    ):
        command = parameter(command)
    return command


@command.command("release")
@_chosen_slots
@format_option
@with_server
def release(
    server: ControlServiceStub, slots: tuple[str, ...], definition: str, account: str, format: str
) -> None:
    """Let quarantined slots try again."""
    from conductor_proto.v1.control_service_pb2 import ReleaseSlotRequest

    names = _names(server, slots, definition=definition, account=account)
    _show_all_changed(
        (server.ReleaseSlot(ReleaseSlotRequest(name=name)).slot for name in names), format=format
    )


@command.command("discard")
@_chosen_slots
@format_option
@with_server
def discard(
    server: ControlServiceStub, slots: tuple[str, ...], definition: str, account: str, format: str
) -> None:
    """Give slots up for good."""
    from conductor_proto.v1.control_service_pb2 import DiscardSlotRequest

    names = _names(server, slots, definition=definition, account=account)
    _show_all_changed(
        (server.DiscardSlot(DiscardSlotRequest(name=name)).slot for name in names), format=format
    )


def _names(
    server: ControlServiceStub, slots: tuple[str, ...], *, definition: str, account: str
) -> Sequence[str]:
    from conductor_proto.v1.control_service_pb2 import CONDITION_QUARANTINED, ListSlotsRequest

    if bool(slots) == bool(definition or account):
        raise click.UsageError("name slots; or --definition or --account, for all of theirs in quarantine")
    if slots:
        return slots
    request = ListSlotsRequest(definition=definition, account=account, conditions=[CONDITION_QUARANTINED])
    found, _ = collect(server.ListSlots, request, "slots", limit=0)
    return [slot.name for slot in found]


reason_option = click.option(
    "--reason", metavar="TEXT", required=True, help="How you know; the event and the run say it."
)


@command.command("succeed")
@click.argument("slot")
@reason_option
@format_option
@with_server
def succeed(server: ControlServiceStub, slot: str, reason: str, format: str) -> None:
    """Record that a slot's work was done: by hand, or by a run whose report came too late."""
    from conductor_proto.v1.control_service_pb2 import SucceedSlotRequest

    answer = server.SucceedSlot(SucceedSlotRequest(name=slot, reason=reason))
    _show_changed(answer.slot, as_data(answer), format=format)


@command.command("fail")
@click.argument("slot")
@reason_option
@format_option
@with_server
def fail(server: ControlServiceStub, slot: str, reason: str, format: str) -> None:
    """Record that a slot has failed for good: it is not retried."""
    from conductor_proto.v1.control_service_pb2 import FailSlotRequest

    answer = server.FailSlot(FailSlotRequest(name=slot, reason=reason))
    _show_changed(answer.slot, as_data(answer), format=format)


def condition(slot: Slot) -> str:
    """The slot's condition in words."""
    from conductor_proto.v1.control_service_pb2 import Condition

    return word(Condition.DESCRIPTOR, slot.condition).replace("_", " ")


def _show_all_changed(slots: Iterable[Slot], *, format: str) -> None:
    """Each as soon as it has changed: what comes after one that is refused is left as it was."""
    if format == "json":
        show_json({"slots": [as_data(slot) for slot in slots]})
        return
    some = False
    for slot in slots:
        say(f"{slot.name} is {condition(slot)}")
        some = True
    if not some:
        say("nothing is in quarantine there")


def _show_changed(slot: Slot, document: dict[str, object], *, format: str) -> None:
    if format == "json":
        show_json(document)
        return
    say(f"{slot.name} is {condition(slot)}")
