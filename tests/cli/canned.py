"""A real gRPC server with a fixed, small world: what the command line is tested against."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.control_service_pb2_grpc import ControlServiceServicer
from conductor_proto.v1.run_pb2 import Member, Progress, RunStatus, Window
from conductor_server.model import errors
from conductor_server.rpc.status import translated

TOKEN = "t0ken"


def at(hour: int, minute: int = 0) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(dt.datetime(2026, 11, 21, hour, minute, tzinfo=dt.UTC))
    return stamp


def struct(**values: Any) -> Struct:
    filled = Struct()
    filled.update(values)
    return filled


def counts(**conditions: int) -> list[pb.ConditionCount]:
    return [
        pb.ConditionCount(condition=pb.Condition.Value(f"CONDITION_{word.upper()}"), count=count)
        for word, count in conditions.items()
    ]


LOAD = pb.Definition(
    name="load_orders",
    source="cron",
    frequency="daily",
    matrix="account",
    start_policy="after_success",
    retry_policy="standard",
    writes_to=["raw.orders"],
    active=True,
    source_token="files:/srv/definitions",
    place="shop.yaml:3",
    description="Orders of the day",
    starts_at=at(0),
    slots=counts(succeeded=2),
)
UPDATE = pb.Definition(
    name="update_sales",
    source="stored_procedure",
    frequency="daily",
    matrix="account",
    start_policy="after_success",
    retry_policy="standard",
    reads_from=["raw.orders", "raw.rates"],
    writes_to=["agg.sales"],
    active=True,
    priority=10,
    pools=["warehouse"],
    source_token="files:/srv/definitions",
    place="shop.yaml:9",
    slots=counts(failed=1, running=1, succeeded=10),
)
FORECAST = pb.Definition(
    name="forecast",
    source="ml_command",
    frequency="weekly",
    matrix="account",
    start_policy="after_success_and_reruns",
    retry_policy="exponential_backoff, 5 attempts",
    reads_from=["agg.sales"],
    writes_to=["ml.forecast"],
    active=False,
    source_token="files:/srv/definitions",
    place="shop.yaml:20",
    slots=counts(blocked=1, paused=1),
)
DEPENDENCIES = [
    pb.Dependency(parent="load_orders", child="update_sales", tables=["raw.orders"], window_rule="closed"),
    pb.Dependency(parent="update_sales", child="forecast", tables=["agg.sales"], window_rule="overlap"),
]
ACME = Member(matrix="account", token="acme", account="acme", timezone="Europe/London")
RUN = pb.Run(
    id=7,
    slot="update_sales@acme/2026-11-20",
    definition="update_sales",
    source="stored_procedure",
    attempt=2,
    status=RunStatus.RUN_STATUS_FAILED,
    created_by="engine",
    agent="etl-1",
    epoch=3,
    waiting_at=at(1),
    running_at=at(1, 1),
    heartbeat_at=at(1, 2),
    ended_at=at(1, 3),
    exit_code=2,
    error="relation agg.sales does not exist\n\x1b[31mat line 3\x1b[0m",
    result=struct(rows=12),
    progress=Progress(fraction=0.5, message="half of it"),
    late_reports=["etl-1 reported a success at 02:00, after its lease had ended"],
)
WAITING_RUN = pb.Run(
    id=8,
    slot="update_sales@acme/2026-11-20",
    definition="update_sales",
    source="stored_procedure",
    attempt=3,
    status=RunStatus.RUN_STATUS_WAITING,
    created_by="operator",
    waiting_at=at(2),
)


def slot(definition: str, condition: str, *, reason: str = "", run: int = 0) -> pb.Slot:
    return pb.Slot(
        name=f"{definition}@acme/2026-11-20",
        definition=definition,
        member=ACME,
        window=Window(start=at(0), end=at(23), label="2026-11-20"),
        condition=pb.Condition.Value(f"CONDITION_{condition.upper()}"),
        reason=reason,
        attempts=2 if run else 0,
        run_id=run,
        id=41,
    )


SLOTS = [
    slot("forecast", "blocked", reason="update_sales@acme/2026-11-20 has failed for good"),
    slot("update_sales", "failed", reason="10 of 10 attempts failed: evil\x1b[2J name \u202egnp", run=7),
    slot("load_orders", "succeeded", run=1),
]
ACCOUNTS = [
    pb.Account(token="acme", timezone="Europe/London", starts_at=at(0), source_token="files:/srv"),
    pb.Account(
        token="bolt", timezone="+05:30", maintenance_until=at(6), source_token="manual", max_running=2
    ),
]
LOGS = [
    pb.ReadRunLogsResponse(stream="stdout", offset=0, data="12 rows, 3 in Zür".encode()),
    pb.ReadRunLogsResponse(stream="stderr", offset=0, data=b"warning\x1b[2J\n"),
    pb.ReadRunLogsResponse(stream="stdout", offset=18, data=b"ich\n\xff\n"),
]
EVENTS = [
    pb.WatchEventsResponse(
        id=1,
        at=at(1),
        kind="definition.added",
        subject="forecast",
        message="declared in shop.yaml:20",
        actor="engine",
    ),
    pb.WatchEventsResponse(
        id=2, at=at(2), kind="run.failed", subject="update_sales@acme/2026-11-20", message="exit code 2"
    ),
]
AUDIT = [
    pb.Event(
        id=5,
        at=at(5),
        kind="access.denied",
        subject="CreateToken",
        message="CreateToken is for an admin: night-shift is an operator (from 10.0.0.7)",
        actor="night-shift",
    ),
    pb.Event(
        id=4,
        at=at(4),
        kind="slot.rerun",
        subject="update_sales@acme/2026-11-20",
        message="run 8 created",
        actor="night-shift for ada",
    ),
    pb.Event(id=3, at=at(3), kind="token.revoked", subject="old", message="evil\x1b[2J", actor="home"),
]
TOKENS = [
    pb.Token(
        id="aaaaaaaa",
        name="etl",
        role=pb.ROLE_AGENT,
        agents=["etl-1", "etl-2"],
        sources=["stored_procedure"],
        accounts=["acme"],
        created=at(1),
        created_by="home",
        expires_at=at(23),
        last_used_at=at(3),
    ),
    pb.Token(
        id="bbbbbbbb", name="night-shift", role=pb.ROLE_OPERATOR, created=at(1), created_by="home for ada"
    ),
    pb.Token(
        id="cccccccc", name="old", role=pb.ROLE_ADMIN, created=at(0), created_by="home", revoked_at=at(2)
    ),
]


@dataclass
class CannedControl(ControlServiceServicer):
    """Answers from the constants above, and keeps every request."""

    requests: list[Message] = field(default_factory=list)
    failure: tuple[grpc.StatusCode, str] | None = None

    def heard(self, request: Message, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        if ("authorization", f"Bearer {TOKEN}") not in context.invocation_metadata():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such token")
        if self.failure:
            context.abort(*self.failure)

    def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:
        self.heard(request, context)
        return pb.GetStatusResponse(
            version="0.1.0",
            database="sqlite:////srv/conductor.db",
            engine_looped_at=at(3),
            engine_loop_duration=Duration(nanos=12_000_000),
            problems=["files:/srv/definitions wants to remove 3 of 4 definitions; confirm it"],
            definitions=3,
            accounts=2,
            agents=1,
            slots=counts(failed=1, blocked=1, running=1, succeeded=12),
            slots_not_due=30,
            server="etl-1[4711]",
            leader="etl-2[815]",
            leader_epoch=7,
        )

    def ListDefinitions(self, request: pb.ListDefinitionsRequest, context: Any) -> pb.ListDefinitionsResponse:
        self.heard(request, context)
        found = [each for each in (FORECAST, LOAD, UPDATE) if request.name_contains in each.name]
        page, token = page_of(found, request)
        return pb.ListDefinitionsResponse(definitions=page, next_page_token=token)

    @translated
    def GetDefinition(self, request: pb.GetDefinitionRequest, context: Any) -> pb.GetDefinitionResponse:
        self.heard(request, context)
        if request.name != "update_sales":
            raise errors.NotFoundError(f"there is no definition {request.name}")
        return pb.GetDefinitionResponse(
            definition=UPDATE,
            spec=struct(procedure="agg.update_sales", database="${env:WAREHOUSE_URL}"),
            parents=DEPENDENCIES[:1],
            children=DEPENDENCIES[1:],
        )

    def SetDefinitionActive(
        self, request: pb.SetDefinitionActiveRequest, context: Any
    ) -> pb.SetDefinitionActiveResponse:
        self.heard(request, context)
        changed = pb.Definition()
        changed.CopyFrom(UPDATE)
        changed.active = request.active
        return pb.SetDefinitionActiveResponse(definition=changed)

    @translated
    def ConfirmRemoval(self, request: pb.ConfirmRemovalRequest, context: Any) -> pb.ConfirmRemovalResponse:
        self.heard(request, context)
        if request.count != 2:
            raise errors.ConflictError(f"{request.source_token} now wants to remove 2 definitions")
        return pb.ConfirmRemovalResponse(names=["old_report", "older_report"])

    def GetGraph(self, request: pb.GetGraphRequest, context: Any) -> pb.GetGraphResponse:
        self.heard(request, context)
        return pb.GetGraphResponse(
            definitions=[FORECAST, LOAD, UPDATE], dependencies=DEPENDENCIES, external_tables=["raw.rates"]
        )

    def ListAccounts(self, request: pb.ListAccountsRequest, context: Any) -> pb.ListAccountsResponse:
        self.heard(request, context)
        page, token = page_of(ACCOUNTS, request)
        return pb.ListAccountsResponse(accounts=page, next_page_token=token)

    @translated
    def AddAccount(self, request: pb.AddAccountRequest, context: Any) -> pb.AddAccountResponse:
        self.heard(request, context)
        if request.account.timezone == "Mars/Olympus":
            raise errors.InvalidRequestError("there is no time zone Mars/Olympus", field="account.timezone")
        added = pb.Account()
        added.CopyFrom(request.account)
        added.source_token = "manual"
        return pb.AddAccountResponse(account=added)

    def RemoveAccount(self, request: pb.RemoveAccountRequest, context: Any) -> pb.RemoveAccountResponse:
        self.heard(request, context)
        return pb.RemoveAccountResponse(slots=120, running_runs=1)

    def SetMaintenance(self, request: pb.SetMaintenanceRequest, context: Any) -> pb.SetMaintenanceResponse:
        self.heard(request, context)
        until = request.until if request.HasField("until") else None
        return pb.SetMaintenanceResponse(
            account=pb.Account(token=request.account, timezone="UTC", maintenance_until=until)
        )

    def ListSlots(self, request: pb.ListSlotsRequest, context: Any) -> pb.ListSlotsResponse:
        self.heard(request, context)
        page, token = page_of(SLOTS, request)
        return pb.ListSlotsResponse(slots=page, next_page_token=token)

    def SummarizeSlots(self, request: pb.SummarizeSlotsRequest, context: Any) -> pb.SummarizeSlotsResponse:
        self.heard(request, context)
        return pb.SummarizeSlotsResponse(
            states=[
                pb.SlotStateCount(state=pb.SLOT_STATE_SUCCEEDED, count=999_187),
                pb.SlotStateCount(state=pb.SLOT_STATE_FAILED, count=812),
                pb.SlotStateCount(state=pb.SLOT_STATE_QUARANTINED, count=1),
            ],
            reasons=[
                pb.SlotReasonCount(
                    state=pb.SLOT_STATE_FAILED,
                    reason="10 attempts failed",
                    count=812,
                    slot="bid@acme:shoes/2026-11-20",
                ),
                pb.SlotReasonCount(
                    state=pb.SLOT_STATE_QUARANTINED,
                    reason="3 agents were lost in a row",
                    count=1,
                    slot="bid@acme:hats/2026-11-20",
                ),
            ],
            reasons_omitted=2,
        )

    def GetSlot(self, request: pb.GetSlotRequest, context: Any) -> pb.GetSlotResponse:
        self.heard(request, context)
        return pb.GetSlotResponse(
            slot=SLOTS[0],
            reasons=[
                pb.Reason(
                    code="parent_failed",
                    message="update_sales@acme/2026-11-20 has failed for good",
                    slot="update_sales@acme/2026-11-20",
                    chain=["update_sales@acme/2026-11-20"],
                )
            ],
            parents=SLOTS[1:2],
            runs=[WAITING_RUN, RUN],
        )

    def RerunSlot(self, request: pb.RerunSlotRequest, context: Any) -> pb.RerunSlotResponse:
        self.heard(request, context)
        return pb.RerunSlotResponse(run=WAITING_RUN)

    def ReleaseSlot(self, request: pb.ReleaseSlotRequest, context: Any) -> pb.ReleaseSlotResponse:
        self.heard(request, context)
        return pb.ReleaseSlotResponse(slot=slot("update_sales", "queued"))

    def DiscardSlot(self, request: pb.DiscardSlotRequest, context: Any) -> pb.DiscardSlotResponse:
        self.heard(request, context)
        return pb.DiscardSlotResponse(slot=slot("update_sales", "cancelled"))

    def SucceedSlot(self, request: pb.SucceedSlotRequest, context: Any) -> pb.SucceedSlotResponse:
        self.heard(request, context)
        return pb.SucceedSlotResponse(slot=slot("update_sales", "succeeded"))

    def FailSlot(self, request: pb.FailSlotRequest, context: Any) -> pb.FailSlotResponse:
        self.heard(request, context)
        return pb.FailSlotResponse(slot=slot("update_sales", "failed"))

    def ListRuns(self, request: pb.ListRunsRequest, context: Any) -> pb.ListRunsResponse:
        self.heard(request, context)
        page, token = page_of([WAITING_RUN, RUN], request)
        return pb.ListRunsResponse(runs=page, next_page_token=token)

    def GetRun(self, request: pb.GetRunRequest, context: Any) -> pb.GetRunResponse:
        self.heard(request, context)
        return pb.GetRunResponse(run=RUN)

    def ReadRunLogs(self, request: pb.ReadRunLogsRequest, context: Any) -> Iterator[pb.ReadRunLogsResponse]:
        self.heard(request, context)
        yield from (each for each in LOGS if request.stream in ("", each.stream))

    def CancelRun(self, request: pb.CancelRunRequest, context: Any) -> pb.CancelRunResponse:
        self.heard(request, context)
        running = pb.Run()
        running.CopyFrom(RUN)
        running.status = RunStatus.RUN_STATUS_RUNNING
        return pb.CancelRunResponse(run=running)

    def ListAgents(self, request: pb.ListAgentsRequest, context: Any) -> pb.ListAgentsResponse:
        self.heard(request, context)
        agent = pb.Agent(
            name="etl-1",
            host="warehouse",
            pid=4711,
            version="0.1.0",
            sources=[pb.SourceLoad(source="stored_procedure", capacity=5, running=1)],
            alive=True,
            registered_at=at(0),
            heartbeat_at=at(3),
            clock_skew=Duration(seconds=-3, nanos=-250_000_000),
        )
        return pb.ListAgentsResponse(agents=[agent])

    def WatchEvents(self, request: pb.WatchEventsRequest, context: Any) -> Iterator[pb.WatchEventsResponse]:
        self.heard(request, context)
        yield from (each for each in EVENTS if each.id > request.after_event_id)

    def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:
        self.heard(request, context)
        page, token = page_of(AUDIT, request)
        return pb.ListEventsResponse(events=page, next_page_token=token)

    def CreateToken(self, request: pb.CreateTokenRequest, context: Any) -> pb.CreateTokenResponse:
        self.heard(request, context)
        token = pb.Token(
            id="dddddddd",
            name=request.name,
            role=request.role,
            agents=request.agents,
            sources=request.sources,
            accounts=request.accounts,
            created=at(1),
            created_by="home",
            expires_at=request.expires_at if request.HasField("expires_at") else None,
        )
        return pb.CreateTokenResponse(token=token, text=f"cdr_agent_dddddddd_{'x' * 52}")

    def ListTokens(self, request: pb.ListTokensRequest, context: Any) -> pb.ListTokensResponse:
        self.heard(request, context)
        page, token = page_of(TOKENS, request)
        return pb.ListTokensResponse(tokens=page, next_page_token=token)

    def RevokeToken(self, request: pb.RevokeTokenRequest, context: Any) -> pb.RevokeTokenResponse:
        self.heard(request, context)
        return pb.RevokeTokenResponse(token=TOKENS[2])


def page_of(things: list[Any], request: Any) -> tuple[list[Any], str]:
    """At most two at a time, so that every listing has pages."""
    start = int(request.page_token or 0)
    end = start + min(request.page_size, 2)
    return things[start:end], str(end) if end < len(things) else ""
