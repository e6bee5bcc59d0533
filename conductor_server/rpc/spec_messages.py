"""What executors are given, as messages: converted once a definition, not once a run."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import structlog
from google.protobuf import struct_pb2

from conductor_server.rpc import agent_convert as convert
from conductor_server.store import definitions, faults
from conductor_server.store.assignments import Assignment
from conductor_server.store.database import Database

log = structlog.get_logger("rpc")

KEPT_MAX = 10_000
"""Definitions whose messages are kept; beyond it all are forgotten, which costs a query."""


class SpecMessages:
    """The specs of claimed runs. A declaration that has changed has another fingerprint, and is read again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[int, tuple[str, struct_pb2.Struct]] = {}

    async def of(self, runs: Collection[Assignment]) -> dict[int, struct_pb2.Struct]:
        """By definition id, without those that are gone or cannot be read.

        The messages are shared: they must not be changed.
        """
        wanted = {run.definition_id: run.fingerprint for run in runs}
        messages = {
            number: self._kept[number][1]
            for number, fingerprint in wanted.items()
            if number in self._kept and self._kept[number][0] == fingerprint
        }
        missing = {number: wanted[number] for number in wanted.keys() - messages.keys()}
        return messages | await self._read(missing) if missing else messages

    async def _read(self, fingerprints: Mapping[int, str]) -> dict[int, struct_pb2.Struct]:
        specs, present = await asyncio.to_thread(
            self._database.read,
            # In this order: a fingerprint that is still the claim's was that of the spec, too.
            lambda db: (definitions.specs(db, fingerprints), definitions.fingerprints_of(db, fingerprints)),
        )
        read: dict[int, struct_pb2.Struct] = {}
        for number in present:
            try:
                faults.check_spec(specs[number])
                read[number] = convert.struct(specs[number])
            except Exception as error:  # the boundary of a row: the other runs of the push go their way
                await self._set_aside(number, f"its spec cannot be read: {error}")
        if len(self._kept) + len(read) > KEPT_MAX:
            self._kept.clear()
        for number, fingerprint in present.items():
            if fingerprint == fingerprints[number] and number in read:
                self._kept[number] = fingerprint, read[number]
        return read

    async def _set_aside(self, definition_id: int, reason: str) -> None:
        """No agent can be given its runs: those that were claimed are never received, and no more are."""
        log.error("a definition is set aside", definition=definition_id, reason=reason)
        await asyncio.wrap_future(self._database.submit(lambda db: faults.add(db, definition_id, reason)))
