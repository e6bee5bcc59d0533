"""ControlService's unary methods, driven in process over the real store on both databases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc_testing
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from conductor_server.engine.status import EngineStatus
from conductor_server.model.definition import Retry
from conductor_server.model.states import Outcome, RetryKind, SlotState, StartPolicy, Verdict
from conductor_server.rpc.control_service import ControlService
from conductor_server.store import events
from conductor_server.store.database import Database
from tests.store.seeing import register
from tests.support.build import HOUR, account, definition, reads
from tests.support.world import World

SERVICE = pb.DESCRIPTOR.services_by_name["ControlService"]
START = dt.date(2026, 11, 19)
ONCE = Retry(kind=RetryKind.STANDARD, attempts=1)


class Refused(Exception):
    """A status other than OK. grpcio-testing drops its details: those are tested over a real connection."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code


@dataclass
class Client:
    """Calls methods by name; what a caller would see, refusals included."""

    world: World
    wakes: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        service = ControlService(
            self.world.database,
            self.world.clock,
            self.world.settings,
            wake_engine=lambda: self.wakes.append(None),
            wait_for_change=_never,
            server_name="one[1]",
            engine_status=lambda: EngineStatus(
                looped_at=self.world.now, loop_duration=dt.timedelta(seconds=2), problems=("b.yaml: gone",)
            ),
        )
        self._server = grpc_testing.server_from_dictionary(
            {SERVICE: service}, grpc_testing.strict_real_time()
        )

    def __call__(self, request: Any) -> Any:
        name = type(request).DESCRIPTOR.name.removesuffix("Request")
        rpc = self._server.invoke_unary_unary(SERVICE.methods_by_name[name], (), request, None)
        answer, _trailers, code, message = rpc.termination()
        if code is not grpc.StatusCode.OK:
            raise Refused(code, message)
        return answer


async def _never(_timeout_s: float) -> None:
    raise AssertionError("unary methods do not wait")


@pytest.fixture
def client(database: Database) -> Client:
    world = World(database)
    world.declare(
        definition("load", retry=ONCE, starts_on=START, spec={"argv": ["load", "${account.token}"]}),
        definition("clean", reads_from=reads("load", "raw.orders"), starts_on=START),
        definition(
            "alarm", reads_from=reads("load"), start_policy=StartPolicy.AFTER_FAILURE, starts_on=START
        ),
        definition("page", reads_from=reads("alarm"), starts_on=START),
        accounts=[account("acme"), account("globex")],
    )
    world.tick()
    return Client(world)


def refusal(client: Client, request: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        client(request)
    return caught.value


def kinds(world: World) -> list[tuple[str, str]]:
    return [(event.kind, event.actor) for event in world.read(lambda db: events.after(db, 0))]


# ---------------------------------------------------------------------------------------------- looking


def test_status_counts_everything(client: Client) -> None:
    register(client.world, 2)
    status = client(pb.GetStatusRequest())

    assert (status.definitions, status.accounts, status.agents) == (4, 2, 1)
    assert {pb.Condition.Name(each.condition): each.count for each in status.slots} == {
        "CONDITION_WAITING_FOR_INPUTS": 6,
        "CONDITION_QUEUED": 2,
    }
    assert status.slots_not_due > 0
    assert status.problems == ["b.yaml: gone"]
    assert status.engine_loop_duration.seconds == 2
    assert (status.server, status.leads, status.leader, status.leader_epoch) == ("one[1]", False, "", 0)
    assert status.engine_looped_at.ToDatetime(tzinfo=dt.UTC) == client.world.now


def test_the_graph_has_edges_counts_and_external_tables(client: Client) -> None:
    graph = client(pb.GetGraphRequest(window_label="2026-11-19"))

    assert [(edge.parent, edge.child, edge.tables[:]) for edge in graph.dependencies] == [
        ("alarm", "page", ["alarm"]),
        ("load", "alarm", ["load"]),
        ("load", "clean", ["load"]),
    ]
    assert graph.external_tables == ["raw.orders"]
    assert {each.name: sum(entry.count for entry in each.slots) for each in graph.definitions} == {
        "alarm": 2,
        "clean": 2,
        "load": 2,
        "page": 2,
    }
    assert not any(each.slots for each in client(pb.GetGraphRequest(window_label="2020")).definitions)


def test_a_definition_with_its_spec_and_neighbours(client: Client) -> None:
    found = client(pb.GetDefinitionRequest(name="load"))

    assert found.definition.retry_policy == "standard: up to 1 attempts, 10m apart"
    assert list(found.spec["argv"]) == ["load", "${account.token}"]
    assert [edge.child for edge in found.children] == ["alarm", "clean"]
    assert not found.parents


def test_definitions_and_accounts_come_in_pages(client: Client) -> None:
    names, token = [], ""
    while True:
        page = client(pb.ListDefinitionsRequest(page_size=3, page_token=token))
        names += [each.name for each in page.definitions]
        if not (token := page.next_page_token):
            break
    assert names == ["alarm", "clean", "load", "page"]
    assert [each.name for each in client(pb.ListDefinitionsRequest(name_contains="a_")).definitions] == []

    first = client(pb.ListAccountsRequest(page_size=1))
    second = client(pb.ListAccountsRequest(page_size=1, page_token=first.next_page_token))
    assert [each.token for page in (first, second) for each in page.accounts] == ["acme", "globex"]
    assert second.next_page_token == ""


def test_slots_and_runs_come_in_pages(client: Client) -> None:
    slots, token = [], ""
    while True:
        page = client(pb.ListSlotsRequest(page_size=3, page_token=token))
        slots += [slot.name for slot in page.slots]
        if not (token := page.next_page_token):
            break
    assert len(slots) == len(set(slots)) == 8

    newest = client(pb.ListRunsRequest(page_size=1))
    oldest = client(pb.ListRunsRequest(page_size=1, page_token=newest.next_page_token))
    assert newest.runs[0].id > oldest.runs[0].id
    assert oldest.next_page_token == ""
    of_acme = client(pb.ListRunsRequest(account="acme", statuses=[run_pb2.RUN_STATUS_WAITING])).runs
    assert [run.slot for run in of_acme] == ["load@acme/2026-11-19"]
    assert client(pb.ListRunsRequest(slot="clean@acme/2026-11-19")).runs == []


def test_slots_in_numbers(client: Client) -> None:
    fail(client.world, "load@acme/2026-11-19")
    client.world.tick()

    def counts(request: pb.SummarizeSlotsRequest) -> dict[str, int]:
        answer = client(request)
        return {pb.SlotState.Name(each.state): each.count for each in answer.states}

    whole = client(pb.SummarizeSlotsRequest(window_label="2026-11-19"))
    of_acme = counts(pb.SummarizeSlotsRequest(account="acme", window_label="2026-11-19"))

    (reason,) = (each for each in whole.reasons if each.state == pb.SLOT_STATE_FAILED)
    listed = client(pb.ListSlotsRequest(conditions=[pb.CONDITION_FAILED])).slots
    assert (reason.state, reason.count, reason.slot) == (pb.SLOT_STATE_FAILED, 1, "load@acme/2026-11-19")
    assert [slot.reason for slot in listed] == [reason.reason]
    assert sum(each.count for each in whole.states) == len(
        client(pb.ListSlotsRequest(window_label="2026-11-19", include_not_due=True)).slots
    )
    assert of_acme["SLOT_STATE_FAILED"] == 1
    assert "SLOT_STATE_FAILED" not in counts(pb.SummarizeSlotsRequest(account="globex"))
    assert counts(pb.SummarizeSlotsRequest(definition="load", window_label="1999-01-01")) == {}


def test_a_blocked_slot_names_the_root_and_the_way(client: Client) -> None:
    fail(client.world, "load@acme/2026-11-19")
    client.world.tick()

    found = client(pb.GetSlotRequest(name="clean@acme/2026-11-19"))

    assert found.slot.condition == pb.CONDITION_BLOCKED
    assert found.slot.reason == "load@acme/2026-11-19 has failed"
    [reason] = found.reasons
    assert (reason.code, reason.slot, reason.chain[:]) == ("parent_failed", "load@acme/2026-11-19", [])
    assert [parent.condition for parent in found.parents] == [pb.CONDITION_FAILED]
    by_number = client(pb.GetSlotRequest(name=str(found.slot.id)))
    assert by_number == found


def test_a_waiting_slot_says_what_its_inputs_are_doing(client: Client) -> None:
    register(client.world, 2)
    client.world.claim()

    found = client(pb.GetSlotRequest(name="page@acme/2026-11-19"))

    assert found.slot.condition == pb.CONDITION_WAITING_FOR_INPUTS
    [reason] = found.reasons
    assert (reason.code, reason.chain[:]) == ("parent_running", ["alarm@acme/2026-11-19"])
    assert reason.message.startswith("load@acme/2026-11-19: running: attempt 1 runs on agent")


def fail(world: World, *slots: str) -> None:
    for slot, lease in world.claim().items():
        world.finish(lease, Outcome.FAILED if slot in slots else Outcome.SUCCEEDED, error="no such file")
    world.tick()


# ---------------------------------------------------------------------------------------------- changing


def test_a_rerun_begins_a_new_series_and_opens_what_was_skipped_below(client: Client) -> None:
    world = client.world
    world.run_all()
    assert world.state("alarm@acme/2026-11-19") is SlotState.SKIPPED
    assert world.state("page@acme/2026-11-19") is SlotState.SKIPPED

    run = client(pb.RerunSlotRequest(name="load@acme/2026-11-19", actor="ann")).run

    assert (run.attempt, run.status, run.created_by) == (2, run_pb2.RUN_STATUS_WAITING, "operator")
    assert world.state("alarm@acme/2026-11-19") is SlotState.OPEN
    assert world.state("page@acme/2026-11-19") is SlotState.OPEN
    assert world.state("page@globex/2026-11-19") is SlotState.SKIPPED
    assert kinds(world)[-1] == ("slot.rerun", "ann")
    assert client.wakes == [None]

    again = refusal(client, pb.RerunSlotRequest(name="load@acme/2026-11-19"))
    assert again.code is grpc.StatusCode.ABORTED
    assert f"run {run.id} of load@acme/2026-11-19 has not ended" in str(again)
    assert client.wakes == [None]


def test_a_waiting_run_is_cancelled_at_once(client: Client) -> None:
    world = client.world
    [run] = client(pb.ListRunsRequest(account="acme")).runs

    for _ in range(2):
        answer = client(pb.CancelRunRequest(id=run.id, actor="ann")).run
        assert answer.status == run_pb2.RUN_STATUS_CANCELLED
        assert answer.ended_at.ToDatetime(tzinfo=dt.UTC) == world.now
    assert kinds(world).count(("run.cancel_requested", "ann")) == 1
    assert world.state("load@acme/2026-11-19") is SlotState.CANCELLED
    assert set(world.claim()) == {"load@globex/2026-11-19"}


def test_a_running_run_is_cancelled_through_its_agent(client: Client) -> None:
    world = client.world
    lease = world.claim()["load@acme/2026-11-19"]

    for _ in range(2):
        answer = client(pb.CancelRunRequest(id=lease.run_id)).run
        assert answer.status == run_pb2.RUN_STATUS_RUNNING
        assert answer.HasField("cancel_requested_at")
    assert kinds(world).count(("run.cancel_requested", "operator")) == 1
    assert world.beat(lease) == [Verdict.CANCEL]
    world.finish(lease, Outcome.CANCELLED)
    assert client(pb.GetRunRequest(id=lease.run_id)).run.status == run_pb2.RUN_STATUS_CANCELLED


def test_a_quarantined_slot_is_released(database: Database) -> None:
    world, slot = World(database), "load@acme/2026-11-19"
    world.declare(definition("load", starts_on=START), accounts=[account("acme")])
    world.tick()
    client = Client(world)
    assert refusal(client, pb.ReleaseSlotRequest(name=slot)).code is grpc.StatusCode.ABORTED

    for _ in range(3):
        assert world.claim()
        world.live(until=world.now + HOUR / 2)
    assert client(pb.GetSlotRequest(name=slot)).slot.condition == pb.CONDITION_QUARANTINED
    register(world, 1)

    assert client(pb.ReleaseSlotRequest(name=slot)).slot.condition == pb.CONDITION_QUEUED


def test_a_slot_is_given_up(client: Client) -> None:
    slot = "clean@acme/2026-11-19"
    for _ in range(2):
        assert client(pb.DiscardSlotRequest(name=slot)).slot.condition == pb.CONDITION_CANCELLED
    assert [kind for kind, _ in kinds(client.world)].count("slot.discarded") == 1

    live = refusal(client, pb.DiscardSlotRequest(name="load@acme/2026-11-19"))
    assert live.code is grpc.StatusCode.ABORTED
    assert "runs cancel" in str(live)


def test_somebody_says_how_a_slot_ended(client: Client) -> None:
    slot, why = "clean@acme/2026-11-19", "seen in the table"

    assert client(pb.SucceedSlotRequest(name=slot, reason=why)).slot.condition == pb.CONDITION_SUCCEEDED
    assert client(pb.FailSlotRequest(name=slot, reason=why)).slot.condition == pb.CONDITION_FAILED

    assert ("slot.marked_succeeded", "operator") in kinds(client.world)
    assert ("slot.marked_failed", "operator") in kinds(client.world)
    without = refusal(client, pb.SucceedSlotRequest(name=slot))
    assert without.code is grpc.StatusCode.INVALID_ARGUMENT
    assert client.world.claim(1)
    live = refusal(client, pb.FailSlotRequest(name="load@acme/2026-11-19", reason=why))
    assert live.code is grpc.StatusCode.ABORTED


def test_a_paused_definition_starts_nothing_until_it_goes_on(client: Client) -> None:
    for _ in range(2):
        answer = client(pb.SetDefinitionActiveRequest(name="load", active=False))
        assert not answer.definition.active
    assert client.world.claim() == {}
    assert client(pb.SetDefinitionActiveRequest(name="load", active=True)).definition.active
    assert len(client.world.claim()) == 2
    assert [kind for kind, _ in kinds(client.world)][-2:] == ["definition.paused", "definition.resumed"]


def test_accounts_by_hand(client: Client) -> None:
    added = client(
        pb.AddAccountRequest(
            account=pb.Account(token="initech", timezone="Asia/Kolkata", starts_at=_at(2026, 11, 18))
        )
    )
    assert (added.account.source_token, added.account.timezone) == ("manual", "Asia/Kolkata")
    client.world.tick()
    assert "load@initech/2026-11-19" in client.world.states()

    twice = refusal(client, pb.AddAccountRequest(account=pb.Account(token="initech")))
    assert twice.code is grpc.StatusCode.ALREADY_EXISTS
    client.world.claim()
    gone = client(pb.RemoveAccountRequest(token="initech"))
    assert gone.slots > 0
    assert gone.running_runs == 1
    listed = refusal(client, pb.RemoveAccountRequest(token="acme"))
    assert "listed by files: remove it there" in str(listed)


def test_maintenance_begins_and_ends(client: Client) -> None:
    until = _at(2026, 11, 21)
    assert client(pb.SetMaintenanceRequest(account="acme", until=until)).account.maintenance_until == until
    assert set(client.world.claim()) == {"load@globex/2026-11-19"}
    ended = client(pb.SetMaintenanceRequest(account="acme")).account
    assert not ended.HasField("maintenance_until")
    assert set(client.world.claim()) == {"load@acme/2026-11-19"}


def test_a_removal_that_was_held_back_is_confirmed(client: Client) -> None:
    world = client.world
    world.declare(definition("load", starts_on=START))
    world.tick()

    wrong = refusal(client, pb.ConfirmRemovalRequest(source_token="definitions of files", count=1))
    assert wrong.code is grpc.StatusCode.ABORTED
    names = client(pb.ConfirmRemovalRequest(source_token="definitions of files", count=3)).names
    assert names == ["alarm", "clean", "page"]


def test_agents_are_alive_for_three_heartbeats(client: Client) -> None:
    register(client.world, 3)
    client.world.claim(1)
    [agent] = client(pb.ListAgentsRequest()).agents
    assert agent.alive
    assert [(load.source, load.capacity, load.running) for load in agent.sources] == [("shell", 3, 1)]

    client.world.clock.advance(3 * client.world.settings.heartbeat_interval)
    assert not client(pb.ListAgentsRequest()).agents[0].alive


def _at(year: int, month: int, day: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(dt.datetime(year, month, day, tzinfo=dt.UTC))
    return stamp


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "request_",
    [
        pb.GetSlotRequest(name="load@nobody/2026-11-19"),
        pb.GetDefinitionRequest(name="nothing"),
        pb.GetRunRequest(id=10**15),
        pb.CancelRunRequest(id=-1),
        pb.RerunSlotRequest(name="999999"),
        pb.ListSlotsRequest(definition="nothing"),
        pb.SummarizeSlotsRequest(account="nobody"),
        pb.ListRunsRequest(account="nobody"),
        pb.SetDefinitionActiveRequest(name="nothing"),
        pb.RemoveAccountRequest(token="nobody"),
        pb.SetMaintenanceRequest(account="nobody"),
        pb.ConfirmRemovalRequest(source_token="definitions of files", count=1),
    ],
    ids=lambda request: type(request).__name__,
)
def test_what_is_not_there(client: Client, request_: Any) -> None:
    refused = refusal(client, request_)
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert not client.wakes
