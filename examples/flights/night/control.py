"""What the demo asks of the server: the same calls that `conductor-cli` makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1.control_service_pb2_grpc import ControlServiceStub
from conductor_proto.v1.run_pb2 import RUN_STATUS_RUNNING

PAGE = 1000
SECONDS = 10.0

DECIDED = frozenset({"succeeded", "failed", "blocked", "skipped", "cancelled", "quarantined"})
"""Conditions in which nothing happens any more unless a person does something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A connection to a server's ControlService."""

    stub: ControlServiceStub
    token: str

    def conditions(self) -> Counter[str]:
        """How many slots are in which condition, by its word."""
        status = self.stub.GetStatus(pb.GetStatusRequest(), metadata=self._metadata, timeout=SECONDS)
        counts = Counter({word(entry.condition): entry.count for entry in status.slots})
        if status.slots_not_due:
            counts["not_due"] = status.slots_not_due
        return +counts

    def problems(self) -> list[str]:
        """What the engine could not do the last time, a sentence each."""
        status = self.stub.GetStatus(pb.GetStatusRequest(), metadata=self._metadata, timeout=SECONDS)
        return list(status.problems)

    def running(self) -> list[pb.Run]:
        """The runs that agents hold now."""
        request = pb.ListRunsRequest(page_size=PAGE, statuses=[RUN_STATUS_RUNNING])
        return list(self.stub.ListRuns(request, metadata=self._metadata, timeout=SECONDS).runs)

    def runs(self) -> Iterator[pb.Run]:
        """All runs there have been."""
        request = pb.ListRunsRequest(page_size=PAGE)
        while True:
            page = self.stub.ListRuns(request, metadata=self._metadata, timeout=SECONDS)
            yield from page.runs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def slots(self) -> Iterator[pb.Slot]:
        """All slots."""
        request = pb.ListSlotsRequest(page_size=PAGE, include_not_due=True)
        while True:
            page = self.stub.ListSlots(request, metadata=self._metadata, timeout=SECONDS)
            yield from page.slots
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    @property
    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)


@contextmanager
def connected(address: str, home: Path) -> Iterator[Control]:
    """A connection, with the token that the server has left in its home for programs of the same user."""
    token = (home / "token").read_text(encoding="utf-8").strip()
    with grpc.insecure_channel(address) as channel:
        yield Control(stub=ControlServiceStub(channel), token=token)


def word(condition: pb.Condition.ValueType) -> str:
    """A condition as it is written everywhere: ``waiting_for_inputs``."""
    return pb.Condition.Name(condition).removeprefix("CONDITION_").lower()
