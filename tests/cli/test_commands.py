"""Every command against a server: what it prints as JSON and as tables is golden."""

from __future__ import annotations

import json

import pytest

from conductor_cli.runs import STATUSES
from conductor_cli.slots import CONDITIONS
from conductor_cli.tokens import ROLES
from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.run_pb2 import RunStatus
from tests.cli.conftest import CannedServer, Run
from tests.golden import assert_golden

SLOT = "update_sales@acme/2026-11-20"

COMMANDS = [
    pytest.param(["audit"], id="audit"),
    pytest.param(["tokens", "list"], id="tokens-list"),
    pytest.param(["tokens", "revoke", "old"], id="tokens-revoke"),
    pytest.param(
        [
            *("tokens", "create", "etl", "--role", "agent", "--agent", "etl-1", "--source", "cron"),
            *("--account", "acme", "--expires-at", "2026-12-24"),
        ],
        id="tokens-create",
    ),
    pytest.param(["status"], id="status"),
    pytest.param(["watch"], id="watch"),
    pytest.param(["definitions", "list"], id="definitions-list"),
    pytest.param(["definitions", "show", "update_sales"], id="definitions-show"),
    pytest.param(["definitions", "pause", "update_sales"], id="definitions-pause"),
    pytest.param(["definitions", "resume", "update_sales"], id="definitions-resume"),
    pytest.param(
        ["definitions", "confirm-removal", "files:/srv", "--count", "2"], id="definitions-confirm-removal"
    ),
    pytest.param(["accounts", "list"], id="accounts-list"),
    pytest.param(
        ["accounts", "add", "core", "--timezone", "Asia/Tokyo", "--starts-at", "2026-11-01"],
        id="accounts-add",
    ),
    pytest.param(["accounts", "remove", "core", "--yes"], id="accounts-remove"),
    pytest.param(
        ["accounts", "maintenance", "acme", "--until", "2026-11-22T07:00+01:00"], id="accounts-maintenance"
    ),
    pytest.param(["slots", "list"], id="slots-list"),
    pytest.param(["slots", "summary"], id="slots-summary"),
    pytest.param(["slots", "show", "forecast@acme/2026-11-20"], id="slots-show"),
    pytest.param(["slots", "release", SLOT], id="slots-release"),
    pytest.param(["slots", "discard", SLOT], id="slots-discard"),
    pytest.param(["slots", "succeed", SLOT, "--reason", "done by hand"], id="slots-succeed"),
    pytest.param(["slots", "fail", SLOT, "--reason", "the data is gone"], id="slots-fail"),
    pytest.param(["runs", "list"], id="runs-list"),
    pytest.param(["runs", "show", "7"], id="runs-show"),
    pytest.param(["runs", "logs", "7"], id="runs-logs"),
    pytest.param(["runs", "cancel", "7"], id="runs-cancel"),
    pytest.param(["rerun", SLOT], id="rerun"),
    pytest.param(["agents", "list"], id="agents-list"),
    pytest.param(["graph", "--title", "shop"], id="graph"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_json(run: Run, command: list[str], request: pytest.FixtureRequest) -> None:
    result = run(*command, "-o", "json")

    assert result.exit_code == 0, result.output
    for document in [result.stdout] if command[0] not in ("watch", "runs") else []:
        json.loads(document)
    assert_golden(f"cli/{request.node.callspec.id}.json", result.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_for_people(run: Run, command: list[str], request: pytest.FixtureRequest) -> None:
    result = run(*command)

    assert result.exit_code == 0, result.output
    lines = result.stdout_bytes.decode(errors="backslashreplace").splitlines(keepends=True)
    assert_golden(f"cli/{request.node.callspec.id}.txt", "".join(f"{line.rstrip()}\n" for line in lines))


def test_pages_are_followed_up_to_the_limit(run: Run, server: CannedServer) -> None:
    everything = json.loads(run("slots", "list", "-o", "json").stdout)
    some = json.loads(run("slots", "list", "-o", "json", "--limit", "1").stdout)
    unlimited = json.loads(run("slots", "list", "-o", "json", "--limit", "0").stdout)

    assert [len(each["slots"]) for each in (everything, some, unlimited)] == [3, 1, 3]
    assert [each["truncated"] for each in (everything, some, unlimited)] == [False, True, False]
    assert len(server.control.requests) == 5


def test_a_cut_table_says_so(run: Run) -> None:
    assert run("slots", "list", "--limit", "1").stderr == "only the first 1; more with --limit\n"


def test_filters_reach_the_server(run: Run, server: CannedServer) -> None:
    run("slots", "list", "--definition", "d", "--account", "a", "--window", "w", "--condition", "no_agent")
    run("slots", "list", "--condition", "not_due")
    run("runs", "list", "--slot", SLOT, "--status", "failed", "--status", "timeout")

    slots, not_due, runs = (each for each in server.control.requests if not getattr(each, "page_token", ""))
    assert slots == pb.ListSlotsRequest(
        page_size=100, definition="d", account="a", window_label="w", conditions=[pb.CONDITION_NO_AGENT]
    )
    assert not_due == pb.ListSlotsRequest(
        page_size=100, conditions=[pb.CONDITION_NOT_DUE], include_not_due=True
    )
    assert runs == pb.ListRunsRequest(
        page_size=100, slot=SLOT, statuses=[RunStatus.RUN_STATUS_FAILED, RunStatus.RUN_STATUS_TIMEOUT]
    )


def test_everything_in_quarantine_of_a_definition_is_released(run: Run, server: CannedServer) -> None:
    result = run("slots", "release", "--definition", "update_sales")

    assert result.exit_code == 0, result.output
    listing, *released = server.control.requests
    assert listing.conditions == [pb.CONDITION_QUARANTINED]
    assert listing.definition == "update_sales"
    names = json.loads(run("slots", "list", "-o", "json", "--limit", "0").stdout)["slots"]
    told = {each.name for each in released if isinstance(each, pb.ReleaseSlotRequest)}
    assert told == {each["name"] for each in names}


@pytest.mark.parametrize("arguments", [[], [SLOT, "--account", "acme"]], ids=["nothing", "both"])
def test_slots_are_named_or_chosen(run: Run, server: CannedServer, arguments: list[str]) -> None:
    result = run("slots", "discard", *arguments)

    assert result.exit_code == 2
    assert "name slots; or --definition or --account" in result.stderr
    assert server.control.requests == []


def test_maintenance_ends_and_wants_exactly_one_way(run: Run, server: CannedServer) -> None:
    ended = run("accounts", "maintenance", "acme", "--end")
    both = run("accounts", "maintenance", "acme", "--end", "--for", "1h")

    assert ended.stdout == "account acme is not in maintenance\n"
    assert server.control.requests == [pb.SetMaintenanceRequest(account="acme")]
    assert both.exit_code == 2
    assert "exactly one of --until, --for and --end" in both.stderr


def test_removing_an_account_asks_first(run: Run, server: CannedServer) -> None:
    result = run("accounts", "remove", "acme", input="n\n")

    assert result.exit_code == 1
    assert server.control.requests == []


def test_logs_of_one_stream_are_the_bytes_that_were_written(run: Run, server: CannedServer) -> None:
    result = run("runs", "logs", "7", "--stream", "stdout", "--follow")

    assert result.stdout_bytes == "12 rows, 3 in Zürich\n".encode() + b"\xff\n"
    assert server.control.requests == [pb.ReadRunLogsRequest(run_id=7, stream="stdout", follow=True)]


def test_watch_begins_where_it_is_told(run: Run) -> None:
    lines = run("watch", "--after", "1", "-o", "json").stdout.splitlines()

    assert [json.loads(line)["id"] for line in lines] == [2]


def test_filters_of_the_audit_reach_the_server(run: Run, server: CannedServer) -> None:
    run("audit", "--actor", "etl", "--kind", "access", "--subject", "Register", "--all", "--limit", "1")

    assert server.control.requests == [
        pb.ListEventsRequest(page_size=1, actor="etl", kind="access", subject="Register", include_engine=True)
    ]


def test_a_token_is_alone_on_standard_output(run: Run) -> None:
    """So that `conductor-cli tokens create … > file` writes what an agent reads."""
    created = run("tokens", "create", "etl", "--role", "agent")

    assert created.stdout == f"cdr_agent_dddddddd_{'x' * 52}\n"
    assert created.stderr == "token etl (dddddddd), role agent; it is not shown again\n"


def test_a_token_ends_in_one_way(run: Run, server: CannedServer) -> None:
    both = run("tokens", "create", "x", "--role", "agent", "--expires-in", "1d", "--expires-at", "2027-01-01")

    assert both.exit_code == 2
    assert server.control.requests == []


def test_words_of_options_are_those_of_the_wire() -> None:
    assert [f"CONDITION_{word.upper()}" for word in CONDITIONS] == pb.Condition.keys()[1:]
    assert [f"RUN_STATUS_{word.upper()}" for word in STATUSES] == RunStatus.keys()[1:]
    assert [f"ROLE_{word.upper()}" for word in ROLES] == pb.Role.keys()[1:]
