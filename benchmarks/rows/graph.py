"""A graph of 10,000 definitions and 100,000 edges: validated, built, compared with the store; and read from files.

Nothing here waits for anything, so that seconds are those of the processor: other work on the machine does not count.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import networkx as nx

from benchmarks.frame import Benchmark, Measured, Target, in_turns
from benchmarks.laboratory import Laboratory
from conductor_server.definitions import loading
from conductor_server.model.definition import Definition, Read
from conductor_server.policy import graph
from conductor_server.policy.diff import diff, fingerprint

DEFINITIONS = 10_000
READS = 10
"""Of each definition: of the tables that the ones before it write."""
A_FILE = 500
SAMPLES = 5


def compared(laboratory: Laboratory) -> Measured:
    """Processor seconds from declarations in memory to a valid graph and what differs from the store."""
    definitions = [
        Definition(
            name=_name(number),
            source="stored_procedure",
            spec={"database": "${env:WAREHOUSE_URL}", "procedure": f"agg.{_name(number)}"},
            reads_from=tuple(Read(table=table) for table in _reads(number)),
            writes_to=(_table(number),),
        )
        for number in range(laboratory.scaled(DEFINITIONS))
    ]
    stored = {definition.name: fingerprint(definition) for definition in definitions}

    def ours() -> float:
        began = time.process_time()
        graph.build(definitions)
        desired = {definition.name: fingerprint(definition) for definition in definitions}
        assert not diff(stored=stored, desired=desired)
        return time.process_time() - began

    return in_turns(ours, lambda: _networkx(definitions), samples=SAMPLES)


def _networkx(definitions: Sequence[Definition]) -> float:
    """The same edges with the tables that cause them, and whether they go in circles; nothing else."""
    began = time.process_time()
    writers = defaultdict(list)
    for definition in definitions:
        for table in definition.writes_to:
            writers[table].append(definition.name)
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(definition.name for definition in definitions)
    for definition in definitions:
        for read in definition.reads_from:
            for parent in writers[read.table]:
                digraph.add_edge(parent, definition.name, table=read.table)
    assert nx.is_directed_acyclic_graph(digraph)
    return time.process_time() - began


def from_files(laboratory: Laboratory) -> Measured:
    """Processor seconds from YAML files to the same."""
    with tempfile.TemporaryDirectory(prefix="conductor-bench-") as folder:
        _write(Path(folder), laboratory.scaled(DEFINITIONS))
        began = time.process_time()
        declared = loading.load([folder])
        loading.check(declared)
        desired = {definition.name: fingerprint(definition) for definition in declared.definitions}
        diff(stored={}, desired=desired)
        return Measured(value=time.process_time() - began)


def _write(folder: Path, count: int) -> None:
    for first in range(0, count, A_FILE):
        lines = ["version: 1", "defaults: {source: stored_procedure}", "definitions:"]
        for number in range(first, min(first + A_FILE, count)):
            lines += [
                f"  - name: {_name(number)}",
                f"    reads_from: [{', '.join(_reads(number))}]",
                f"    writes_to: [{_table(number)}]",
                "    stored_procedure:",
                "      database: ${env:WAREHOUSE_URL}",
                f"      procedure: agg.{_name(number)}",
            ]
        (folder / f"part-{first}.yaml").write_text("\n".join(lines) + "\n")


def _reads(number: int) -> list[str]:
    """Of ten spread over the two hundred before it: deep and wide, like a warehouse."""
    return [_table(number - back) for back in range(1, 20 * READS, 20) if back <= number]


def _name(number: int) -> str:
    return f"definition_{number:05}"


def _table(number: int) -> str:
    return f"schema_{number % 50}.table_{number:05}"


ROWS: Sequence[Benchmark] = (
    Benchmark(
        name="graph",
        meaning="validate, build and diff 10,000 definitions with 100,000 edges, declared in memory; beside networkx, "
        "which infers the same edges and looks for circles",
        unit="s",
        target=Target(of="ratio", at_most=3),
        measure=compared,
    ),
    Benchmark(
        name="graph-from-files",
        meaning="the same from 20 YAML files: reading, checking, building, comparing with an empty store",
        unit="s",
        target=Target(of="value", at_most=2),
        measure=from_files,
    ),
)
