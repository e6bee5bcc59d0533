"""The page of limits says what the code has, and each limit is where it says: one less, the limit itself, one more."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from conductor_proto.v1 import agent_service_pb2 as pb
from conductor_proto.v1 import run_pb2
from conductor_server.definitions import json_files
from conductor_server.definitions.documents import MAX_BYTES, MAX_DEPTH, MAX_NODES, check_size
from conductor_server.definitions.values import MAX_NAME, parse_duration, parse_name, parse_token
from conductor_server.model.definition import Definition, Place, Read
from conductor_server.model.errors import DefinitionError, InvalidRequestError
from conductor_server.policy import graph
from conductor_server.policy.size import DEFINITIONS_MAX, EDGES_MAX, PARENTS_MAX
from conductor_server.rpc import agent_convert, convert
from conductor_server.rpc.agent_convert import (
    CAPACITY_MAX,
    CHECKPOINT_BYTES_MAX,
    CHUNK_BYTES_MAX,
    ERROR_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    RESULT_BYTES_MAX,
)
from conductor_server.store import faults

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "limits.md"

ROWS = re.findall(r"^\| ([^|]+) \| (\d+) \| [^|]+ \| `([\w.]+):(\w+)` \|$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "module", "name"), [row[1:] for row in ROWS], ids=[f"{row[2]}:{row[3]}" for row in ROWS]
)
def test_the_page_has_the_values_of_the_code(value: str, module: str, name: str) -> None:
    constant = getattr(import_module(module), name)

    assert int(value) == (constant.days if isinstance(constant, dt.timedelta) else constant)


def test_every_row_of_the_page_is_compared() -> None:
    tables = re.findall(r"^\| (?!limit|---)", PAGE.read_text(), re.MULTILINE)

    assert len(ROWS) == len(tables) > 20


def registered(agent: str = "a", runs: int = 1) -> None:
    capacities = [pb.SourceCapacity(source="shell", runs=runs)]
    agent_convert.registration(pb.RegisterRequest(agent=agent, capacities=capacities))


def reported(**said: Any) -> pb.CompleteRequest:
    values = {"completion_id": "c", "outcome": run_pb2.OUTCOME_SUCCEEDED} | said
    return pb.CompleteRequest(completions=[pb.Completion(**values)])


def accepted(request: pb.CompleteRequest) -> None:
    [told] = agent_convert.reports(request, agent="a")
    if told.fault:
        raise InvalidRequestError(told.fault)


def result(size: int) -> Struct:
    """A result of so many bytes on the wire."""
    message = Struct()
    message["k"] = ""
    message["k"] = "x" * (size - message.ByteSize() - 20)
    message["k"] += "x" * (size - message.ByteSize())
    assert message.ByteSize() == size
    return message


def nested(depth: int) -> None:
    json_files.parse("[" * depth + "]" * depth, origin="a.json")


def values(number: int) -> None:
    json_files.parse(json.dumps([1] * (number - 1)), origin="a.json")


def days(number: int) -> None:
    parse_duration(f"{number}d")


def work(number: int, *reads: str, writes: str = "") -> Definition:
    return Definition(
        name=f"d{number}",
        source="shell",
        reads_from=tuple(Read(table=table) for table in reads),
        writes_to=(writes,) if writes else (),
        place=Place(origin="night.yaml", line=number + 1),
    )


def judged(definitions: list[Definition]) -> None:
    if errors := graph.faults(definitions, None):
        raise errors[0]


def unrelated(number: int) -> None:
    judged([work(each) for each in range(number)])


def gathered(number: int) -> None:
    """A reader of that many others; of two tables they write one each, and itself is no parent of its own."""
    judged([*(work(each, writes=f"t{each % 2}") for each in range(number)), work(number, "t0", "t1", "t")])


def related(number: int) -> None:
    """Readers of a thousand each; the last reads of those that are left."""
    readers, left = divmod(number, PARENTS_MAX)
    writers = [work(each, writes="t" if each < PARENTS_MAX else "left") for each in range(PARENTS_MAX + left)]
    reading = [work(PARENTS_MAX + left + each, "t") for each in range(readers)]
    judged([*writers, *reading, work(PARENTS_MAX + left + readers, "left")])


LIMITS: list[Any] = [
    pytest.param(lambda n: check_size(n, origin="a"), MAX_BYTES, id="bytes-of-a-file"),
    pytest.param(values, MAX_NODES, id="values-in-a-file"),
    pytest.param(nested, MAX_DEPTH, id="depth"),
    pytest.param(lambda n: parse_name("n" * n), MAX_NAME, id="name"),
    pytest.param(lambda n: parse_token("t" * n), MAX_NAME, id="token"),
    pytest.param(unrelated, DEFINITIONS_MAX, id="definitions"),
    pytest.param(gathered, PARENTS_MAX, id="parents"),
    pytest.param(related, EDGES_MAX, id="edges"),
    pytest.param(days, faults.LONGEST.days, id="duration"),
    pytest.param(lambda n: registered(agent="a" * n), NAME_CHARACTERS_MAX, id="agents-name"),
    pytest.param(lambda n: registered(runs=n), CAPACITY_MAX, id="capacity"),
    pytest.param(
        lambda n: accepted(reported(completion_id="c" * n)), NAME_CHARACTERS_MAX, id="completions-id"
    ),
    pytest.param(lambda n: accepted(reported(result=result(n))), RESULT_BYTES_MAX, id="result"),
    pytest.param(
        lambda n: agent_convert.chunk(pb.PushLogsRequest(stream="stdout", data=b"x" * n)),
        CHUNK_BYTES_MAX,
        id="piece-of-output",
    ),
]


@pytest.mark.parametrize(("use", "limit"), LIMITS)
def test_one_less_the_limit_and_one_more(use: Callable[[int], object], limit: int) -> None:
    use(limit - 1)
    use(limit)
    with pytest.raises((DefinitionError, InvalidRequestError, ValueError)):
        use(limit + 1)


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_what_is_cut_at_its_limit(more: int) -> None:
    [told] = agent_convert.reports(
        reported(error="x" * (ERROR_CHARACTERS_MAX + more), checkpoint=b"x" * (CHECKPOINT_BYTES_MAX + more)),
        agent="a",
    )

    assert len(told.report.error) == ERROR_CHARACTERS_MAX + min(more, 0)
    assert (told.report.checkpoint is None) == (more > 0)
    assert convert.page_size(convert.PAGE_MAX + more) == convert.PAGE_MAX + min(more, 0)


def test_a_graph_that_is_too_large_is_refused_with_the_place_the_value_and_a_remedy() -> None:
    with pytest.raises(DefinitionError) as refused:
        gathered(PARENTS_MAX + 1)

    assert refused.value.message == "d1001 reads what 1001 others write, and may read of 1000"
    assert (refused.value.place, refused.value.remedy) == (
        Place(origin="night.yaml", line=1002),
        "let a definition in between gather some of them in a table of its own",
    )


def test_everything_by_everybody_is_refused_before_it_is_built() -> None:
    """Ten thousand writers of a table and as many readers would be a hundred million edges."""
    each = [work(number, "t", writes="t") for number in range(10_000)]

    assert len(graph.faults(each, None)) == EDGES_MAX // len(each) + 2
