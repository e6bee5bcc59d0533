"""Every call with requests that are valid on the wire and make no sense: an answer that says so, and no harm done.

Messages are made from the descriptors, so that a new call or field is here by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conductor_proto.v1 import agent_service_pb2, control_service_pb2
from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub
from conductor_server.store.database import Database
from tests.rpc.playing import Played, completion, ended_with
from tests.support.server import Served, seen, serving

MISTAKES = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
"""What a server answers that has not thought of something."""

PATIENCE_S = 0.5
"""Streams that find nothing wrong go on; nobody waits longer for one to say that it does."""

NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32: [-(2**31), -1, 0, 1, 7, 2**31 - 1],
    FieldDescriptor.CPPTYPE_UINT32: [0, 1, 2**32 - 1],
    FieldDescriptor.CPPTYPE_INT64: [-(2**63), -1, 0, 1, 2, 10**12, 253402300800, 2**63 - 1],
    FieldDescriptor.CPPTYPE_UINT64: [0, 1, 2**64 - 1],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, -1.0, 0.5, 1e308, float("nan"), float("inf"), float("-inf")],
    FieldDescriptor.CPPTYPE_FLOAT: [0.0, -1.0, float("nan"), float("inf")],
    FieldDescriptor.CPPTYPE_ENUM: [-1, 0, 1, 2, 3, 77, 2**31 - 1],
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
}

TEXTS = [
    "",
    "acme",
    "held",
    "held/once",
    "held@acme/once",
    "shell",
    "stdout",
    "1",
    "a\0b",
    "\0",
    "../../etc/passwd",
    "' OR 1=1 --",
    "%_\\",
    "\x1b[2J",
    "\u202e",
    "\U0010ffff",
    "x" * 10_000,
    "WyJhIl0=",  # page tokens: ["a"], [1], [1e400], ["a", 1], and an instant that no calendar has
    "WzFd",
    "WzFlNDAwXQ==",
    "WyJhIiwgMV0=",
    "WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwgMV0=",
    "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd",
]


def messages(descriptor: Any, depth: int = 0) -> st.SearchStrategy[Message]:
    """Messages of that type, some of whose fields are set to something strange."""
    fields = [field for field in descriptor.fields if depth < 4 or field.message_type is None]
    chosen = {field.name: st.none() | _values(field, depth) for field in fields}
    return st.fixed_dictionaries(chosen).map(lambda values: _made(descriptor, values))


def _made(descriptor: Any, values: dict[str, Any]) -> Message:
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        value = values.get(field.name)
        if value is None or _is_map(field):
            continue
        if field.is_repeated:
            getattr(message, field.name).extend(value)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)
    return message


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any]
    if field.message_type is not None:
        one = messages(field.message_type, depth + 1)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        one = st.sampled_from([b"", b"\0", b"\xff" * 100_000]) if is_bytes else st.sampled_from(TEXTS)
    else:
        one = st.sampled_from(NUMBERS[field.cpp_type])
    return st.lists(one, max_size=3) if field.is_repeated else one


def methods(service: Any) -> list[Any]:
    return [pytest.param(method, id=method.name) for method in service.methods]


CONTROL = control_service_pb2.DESCRIPTOR.services_by_name["ControlService"]
AGENTS = agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"]

EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def examples(descriptor: Any) -> list[Message]:
    """The same ones in every run."""
    found: list[Message] = []

    @EXAMPLES
    @given(messages(descriptor))
    def collect(message: Message) -> None:
        found.append(message)

    collect()
    return found


@pytest.fixture
async def served(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """A server with two runs that are ready."""
    home = tmp_path / "home"
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    url = database.url.render_as_string(hide_password=False)
    definitions = {"name": "held"}, {"name": "other", "matrix": "account"}
    async with serving(home, *definitions, accounts=["acme"], CONDUCTOR_DATABASE=url) as served:
        await seen(served.runs, lambda runs: len(runs) == 2)
        yield served


async def _answered(call: Any) -> grpc.StatusCode:
    """How a call ends; OK for a stream that goes on."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await call.read() is not grpc.aio.EOF:
                pass
            code: grpc.StatusCode = await call.code()
            return code
    except grpc.aio.AioRpcError as error:
        return error.code()
    except TimeoutError:
        call.cancel()
        return grpc.StatusCode.OK


async def test_what_operators_ask(served: Served) -> None:
    stub, at_once = ControlServiceStub(served.channel), asyncio.Semaphore(8)
    async with asyncio.TaskGroup() as group:
        asked = [
            (method.name, message, group.create_task(_asked(stub, served, method, message, at_once)))
            for method in CONTROL.methods
            for message in examples(method.input_type)
        ]
    mistakes = [
        f"{name}({message!s:.300}): {task.result()}" for name, message, task in asked if task.result()
    ]
    assert mistakes == []
    assert (await served.status()).problems == []


async def _asked(
    stub: ControlServiceStub, served: Served, method: Any, message: Message, at_once: asyncio.Semaphore
) -> str:
    async with at_once:
        call = getattr(stub, method.name)(message, metadata=served.metadata)
        if method.server_streaming:
            code = await _answered(call)
        else:
            code = await call.code()
        return f"{code.name} {await call.details()}" if code in MISTAKES else ""


@pytest.mark.parametrize("method", methods(AGENTS))
async def test_what_agents_say(served: Served, method: Any) -> None:
    """Another agent, whose streams are open all the while, loses none of them."""
    sound = Played(served, "sound")
    await sound.register()
    claims, beats = sound.open("ClaimRun"), sound.open("Heartbeat")
    await sound.state(claims, 1)
    [held] = await sound.take(claims)
    hostile = Played(served, "hostile")
    await hostile.register()

    for message in examples(method.input_type):
        if method.name == "Register":
            code = await served.agents.Register(message, metadata=served.metadata).code()
        else:
            message.session = hostile.session  # type: ignore[attr-defined]
            stream = hostile.open(method.name)
            await stream.write(message)
            await stream.done_writing()
            code = await _answered(stream)
        assert code not in MISTAKES, message
        if code is grpc.StatusCode.ABORTED:
            await hostile.register()

    assert await sound.beat(beats) == {}
    acks = await sound.complete(completion(held.lease, "c"))
    assert [ack.disposition for ack in acks.values()] == [agent_service_pb2.DISPOSITION_APPLIED]
    assert not claims.done()
    assert not beats.done()
    assert (await served.status()).problems == []
    claims.cancel()
    assert await ended_with(claims) is grpc.StatusCode.CANCELLED
