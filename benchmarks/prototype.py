"""The least server that could do it: the same messages over the same streams, a queue in one table, group commit.

It knows no slots, sessions, limits, tokens or failures. What a single run costs here is what gRPC and the database
cost; what it costs more on the real server is ours. ``python -m benchmarks.prototype DATABASE-URL`` prints its address.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import grpc

from benchmarks.raw_loop import turn
from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from conductor_server.store.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class Prototype:
    """``work`` commits groups until it is cancelled: everything that came in meanwhile goes into the next."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wishes: list[tuple[int, asyncio.Future[Sequence[int]]]] = []
        self._reports: list[tuple[Sequence[int], asyncio.Future[None]]] = []
        self._something = asyncio.Event()

    async def work(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            wishes, self._wishes = self._wishes, []
            reports, self._reports = self._reports, []
            done = [number for numbers, _ in reports for number in numbers]
            wanted = sum(runs for runs, _ in wishes)
            work = self._database.submit(partial(turn, done=done, wanted=wanted))
            claimed = await asyncio.wrap_future(work)
            for _, answer in reports:
                answer.set_result(None)
            for runs, claim in wishes:
                claim.set_result(claimed[:runs])
                del claimed[:runs]

    async def Register(self, request: wire.RegisterRequest, context: Context) -> wire.RegisterResponse:
        return wire.RegisterResponse(session=1)

    async def ClaimRun(
        self, requests: AsyncIterator[wire.ClaimRunRequest], context: Context
    ) -> AsyncIterator[wire.ClaimRunResponse]:
        async for request in requests:
            claimed: asyncio.Future[Sequence[int]] = asyncio.get_running_loop().create_future()
            self._wishes.append((sum(free.runs for free in request.free), claimed))
            self._something.set()
            leases = [run_pb2.Lease(run_id=number, epoch=1) for number in await claimed]
            yield wire.ClaimRunResponse(runs=[run_pb2.ClaimedRun(lease=lease) for lease in leases])

    async def Complete(
        self, requests: AsyncIterator[wire.CompleteRequest], context: Context
    ) -> AsyncIterator[wire.CompleteResponse]:
        async for request in requests:
            committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            numbers = [completion.lease.run_id for completion in request.completions]
            self._reports.append((numbers, committed))
            self._something.set()
            await committed
            yield wire.CompleteResponse(
                acks=[
                    wire.CompletionAck(
                        completion_id=completion.completion_id, disposition=wire.DISPOSITION_APPLIED
                    )
                    for completion in request.completions
                ]
            )


def handler(prototype: Prototype) -> grpc.GenericRpcHandler:
    """The three methods of AgentService that a run needs."""
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Register": grpc.unary_unary_rpc_method_handler(
            prototype.Register,
            request_deserializer=wire.RegisterRequest.FromString,
            response_serializer=wire.RegisterResponse.SerializeToString,
        ),
        "ClaimRun": grpc.stream_stream_rpc_method_handler(
            prototype.ClaimRun,
            request_deserializer=wire.ClaimRunRequest.FromString,
            response_serializer=wire.ClaimRunResponse.SerializeToString,
        ),
        "Complete": grpc.stream_stream_rpc_method_handler(
            prototype.Complete,
            request_deserializer=wire.CompleteRequest.FromString,
            response_serializer=wire.CompleteResponse.SerializeToString,
        ),
    }
    service = wire.DESCRIPTOR.services_by_name["AgentService"].full_name
    return grpc.method_handlers_generic_handler(service, methods)


async def serve(url: str) -> None:
    database = Database(url)
    prototype = Prototype(database)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler(prototype),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await prototype.work()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
