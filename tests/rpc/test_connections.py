"""What one connection may do, each limit at its edge: on a real server, by gRPC's own client and by bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from conductor_server.rpc import server
from conductor_server.rpc.server import CALLS_OF_A_CONNECTION_MAX, EARLY_PINGS_MAX, METADATA_BYTES_MAX
from tests.support.server import PATIENCE_S, Served, serving

NOTHING = health_pb2.HealthCheckRequest()

SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
NOTED = bytes([0, 0, 0, 4, 1, 0, 0, 0, 0])
"""Settings that set nothing, and the answer to them."""

PING = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + b"are you?"

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    async with serving(tmp_path / "home") as served:
        yield served


@pytest.fixture
async def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A server that waits for a handshake, and bears a connection without calls, for a moment alone."""
    monkeypatch.setenv("CONDUCTOR_HOME", str(tmp_path / "home"))
    options = dict(server.CHANNEL_OPTIONS)
    assert options["grpc.server_handshake_timeout_ms"] == server.HANDSHAKE_MS
    assert options["grpc.max_connection_idle_ms"] == server.IDLE_MS
    options |= {"grpc.server_handshake_timeout_ms": 300, "grpc.max_connection_idle_ms": 300}
    monkeypatch.setattr(server, "CHANNEL_OPTIONS", list(options.items()))
    async with serving(tmp_path / "home") as served:
        yield served


async def test_so_many_calls_and_the_next_one_waits(served: Served) -> None:
    health = HealthStub(served.channel)
    open_calls = [health.Watch(NOTHING) for _ in range(CALLS_OF_A_CONNECTION_MAX - 1)]
    await asyncio.gather(*(call.read() for call in open_calls))

    await health.Check(NOTHING, timeout=PATIENCE_S)
    open_calls.append(health.Watch(NOTHING))
    await open_calls[-1].read()
    one_more = asyncio.ensure_future(_checked(health))
    async with grpc.aio.insecure_channel(served.address, options=OWN) as other:
        for _ in range(10):  # far longer than a call takes
            await HealthStub(other).Check(NOTHING, timeout=PATIENCE_S)
    assert not one_more.done()
    open_calls.pop().cancel()
    await one_more

    for call in open_calls:
        call.cancel()


OWN = [("grpc.use_local_subchannel_pool", 1)]
"""Channels to one server share a connection otherwise."""


async def _checked(health: HealthStub) -> None:
    await health.Check(NOTHING, timeout=PATIENCE_S)


async def test_so_much_metadata_and_a_byte_more_is_refused_with_its_size(served: Served) -> None:
    async def refused(size: int) -> str:
        call = HealthStub(served.channel).Check(NOTHING, metadata=(("k", "v" * size),))
        assert await call.code() in (grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED)
        return await call.details() or ""

    most = METADATA_BYTES_MAX - 100
    told = re.search(r"exceeds hard limit \((\d+) vs", await refused(most))
    assert told  # which counts the call's own with it, such as its path
    fits = METADATA_BYTES_MAX - (int(told[1]) - most)

    assert not await refused(fits - 1)
    assert not await refused(fits)
    assert f"({METADATA_BYTES_MAX + 1} vs" in await refused(fits + 1)


@pytest.mark.parametrize("early", [EARLY_PINGS_MAX - 1, EARLY_PINGS_MAX, EARLY_PINGS_MAX + 1])
async def test_so_many_early_pings_and_one_more_ends_the_connection(served: Served, early: int) -> None:
    reader, writer = await asyncio.open_connection(*served.address.rsplit(":", 1))
    writer.write(PREFACE + SETTINGS + PING * (1 + early) + SETTINGS)

    if early > EARLY_PINGS_MAX:
        assert b"too_many_pings" in await asyncio.wait_for(reader.read(), PATIENCE_S)
    else:
        for _ in range(2):  # settings are answered, those of the beginning and those after the pings
            assert b"too_many_pings" not in await asyncio.wait_for(reader.readuntil(NOTED), PATIENCE_S)
    writer.close()


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE])
async def test_a_connection_that_does_not_come_to_the_point_is_closed(impatient: Served, said: bytes) -> None:
    reader, writer = await asyncio.open_connection(*impatient.address.rsplit(":", 1))
    writer.write(said)

    await asyncio.wait_for(reader.read(), PATIENCE_S)

    writer.close()


async def test_a_connection_without_calls_is_closed_and_the_next_call_opens_another(
    impatient: Served,
) -> None:
    health = HealthStub(impatient.channel)
    async with grpc.aio.insecure_channel(impatient.address, options=OWN) as busy:
        watched = HealthStub(busy).Watch(NOTHING)
        await watched.read()
        await health.Check(NOTHING)
        while (state := impatient.channel.get_state()) is grpc.ChannelConnectivity.READY:
            await asyncio.wait_for(impatient.channel.wait_for_state_change(state), PATIENCE_S)

        await health.Check(NOTHING)

        assert busy.get_state() is grpc.ChannelConnectivity.READY
        watched.cancel()
