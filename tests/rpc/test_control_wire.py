"""ControlService over a real connection: streams, and the details of refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.control_service_pb2_grpc import (
    ControlServiceStub,
    add_ControlServiceServicer_to_server,
)
from conductor_server.engine.status import EngineStatus
from conductor_server.model.states import Outcome
from conductor_server.rpc import streams
from conductor_server.rpc.control_service import ControlService
from conductor_server.rpc.signal import Signal
from conductor_server.store import events, logs
from conductor_server.store.database import Database
from conductor_server.store.events import Event
from conductor_server.store.logs import Chunk
from tests.support.build import account, definition
from tests.support.world import World

LONG_AGO = Timestamp(seconds=1_577_836_800)


@dataclass
class Served:
    """A world behind a server, and a client of it."""

    world: World
    stub: Any
    changed: Signal


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    world, changed = World(database), Signal()
    world.declare(definition("load", starts_on=world.now.date()), accounts=[account("acme")])
    world.tick(after=world.settings.slots_create_extra / 2)
    service = ControlService(
        database,
        world.clock,
        world.settings,
        wake_engine=lambda: None,
        wait_for_change=changed.wait,
        engine_status=EngineStatus,
        server_name="one[1]",
    )
    with ThreadPoolExecutor(2) as threads:
        server = grpc.aio.server(migration_thread_pool=threads)
        add_ControlServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(world=world, stub=ControlServiceStub(channel), changed=changed)
        await server.stop(None)


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        pytest.param("ListSlots", pb.ListSlotsRequest(page_size=-1), "page_size", id="page-size"),
        pytest.param("ListSlots", pb.ListSlotsRequest(page_token="x"), "page_token", id="no-token"),
        pytest.param(
            "ListSlots", pb.ListSlotsRequest(page_token="WyJhIiwgMV0="), "page_token", id="no-instant"
        ),
        pytest.param(
            "ListRuns", pb.ListRunsRequest(page_token="WyJhIl0="), "page_token", id="anothers-token"
        ),
        pytest.param("ListSlots", pb.ListSlotsRequest(conditions=[0]), "conditions", id="condition"),
        pytest.param("ListRuns", pb.ListRunsRequest(statuses=[0]), "statuses", id="status"),
        pytest.param(
            "AddAccount", pb.AddAccountRequest(account=pb.Account(token="a/b")), "account.token", id="token"
        ),
        pytest.param(
            "AddAccount",
            pb.AddAccountRequest(account=pb.Account(token="a", timezone="Mars")),
            "account.timezone",
            id="zone",
        ),
        pytest.param("AddAccount", pb.AddAccountRequest(), "account.token", id="no-account"),
        pytest.param(
            "SetMaintenance", pb.SetMaintenanceRequest(account="acme", until=LONG_AGO), "until", id="past"
        ),
    ],
)
async def test_a_field_that_makes_no_sense_is_named(
    served: Served, method: str, request_: Any, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(served.stub, method)(request_)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(refused.value)
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, info.domain) == ("InvalidRequest", "conductor")
    assert [violation.field for violation in bad.field_violations] == [field]


def write(served: Served, run_id: int, data: bytes, *, offset: int, eof: bool = False) -> None:
    chunk = Chunk(run_id=run_id, stream="stdout", offset=offset, data=data, eof=eof)
    served.world.write(lambda db: logs.append(db, chunk))


async def test_logs_are_read_to_what_is_here(served: Served) -> None:
    [lease] = served.world.claim().values()
    write(served, lease.run_id, b"one\n", offset=0)
    write(served, lease.run_id, b"two\n", offset=4)

    call = served.stub.ReadRunLogs(pb.ReadRunLogsRequest(run_id=lease.run_id))
    assert [(piece.offset, piece.data) async for piece in call] == [(0, b"one\n"), (4, b"two\n")]
    other = served.stub.ReadRunLogs(pb.ReadRunLogsRequest(run_id=lease.run_id, stream="stderr"))
    assert [piece async for piece in other] == []


async def test_logs_are_followed_until_the_run_has_ended_and_all_are_here(served: Served) -> None:
    world = served.world
    [lease] = world.claim().values()
    write(served, lease.run_id, b"one\n", offset=0)
    call = served.stub.ReadRunLogs(pb.ReadRunLogsRequest(run_id=lease.run_id, follow=True))
    assert (await call.read()).data == b"one\n"

    world.finish(lease)
    world.clock.advance(streams.LOGS_ARRIVE)
    served.changed.set()
    write(served, lease.run_id, b"two\n", offset=4, eof=True)
    served.changed.set()

    assert (await call.read()).data == b"two\n"
    assert await call.read() is grpc.aio.EOF


async def test_following_gives_up_output_that_is_lost_with_its_agent(served: Served) -> None:
    world = served.world
    [lease] = world.claim().values()
    write(served, lease.run_id, b"one\n", offset=0)
    world.finish(lease)
    world.clock.advance(streams.LOGS_MISSING)

    call = served.stub.ReadRunLogs(pb.ReadRunLogsRequest(run_id=lease.run_id, follow=True))
    assert [piece.data async for piece in call] == [b"one\n"]


async def test_there_are_no_logs_of_a_run_that_is_not_there(served: Served) -> None:
    call = served.stub.ReadRunLogs(pb.ReadRunLogsRequest(run_id=10**9))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def note(served: Served, kind: str) -> None:
    event = Event(kind=kind, subject="load", message="of a test")
    served.world.write(lambda db: events.append(db, [event], now=served.world.now))


async def test_events_are_told_from_where_one_asks(served: Served) -> None:
    begin = served.world.read(events.newest_id)
    note(served, "test.first")
    call = served.stub.WatchEvents(pb.WatchEventsRequest(after_event_id=begin))
    first = await call.read()
    note(served, "test.second")
    served.changed.set()
    second = await call.read()

    assert [first.kind, second.kind] == ["test.first", "test.second"]
    assert begin < first.id < second.id


async def test_what_runs_do_is_told_once(served: Served) -> None:
    world = served.world
    begin = world.read(events.newest_id)
    note(served, "test.begin")
    call = served.stub.WatchEvents(pb.WatchEventsRequest(after_event_id=begin))
    assert (await call.read()).kind == "test.begin"  # from here on it looks

    [lease] = world.claim().values()
    served.changed.set()
    running = await call.read()
    world.finish(lease, Outcome.FAILED, error="no such file")
    served.changed.set()
    failed = await call.read()
    world.rerun(f"load@acme/{running.subject.rpartition('/')[2]}")
    served.changed.set()
    waiting = await call.read()
    note(served, "test.end")
    served.changed.set()

    assert [each.kind for each in (running, failed, waiting)] == ["run.running", "run.failed", "run.waiting"]
    assert failed.message == f"run {lease.run_id}, attempt 1 on agent: no such file"
    assert (await call.read()).kind == "test.end"
    call.cancel()
