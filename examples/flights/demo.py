"""A night of real flights, end to end: server, warehouse and agents, from nothing to checked reports.

Ends with 0 when every slot has succeeded and all totals agree with the records, else with 1.
Nothing is left behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import grpc
import psycopg
from night import check, control, declared, processes, progress, summary, warehouse
from rich.console import Console

EXAMPLE = Path(__file__).resolve().parent
SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130


def main() -> int:
    options = parsed_options()
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="conductor-demo-") as folder:
            return play(Path(folder).resolve(), console, keep=options.keep, limit=options.limit)
    except (processes.ProcessDiedError, progress.StuckError, TimeoutError) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return FAILURE
    except grpc.RpcError as error:
        console.print(f"the server did not answer: {error}", style="red", markup=False, soft_wrap=True)
        return FAILURE
    except KeyboardInterrupt:
        console.print("stopped; nothing is left behind")
        return INTERRUPTED


def play(home: Path, console: Console, *, keep: bool, limit: float) -> int:
    """Runs the night in an empty home, shows what became of it, and returns the exit code."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # where the embedded PostgreSQL keeps its lock file
    with warehouse.started(home / "warehouse") as url, processes.stopped_at_the_end(home) as running:
        addresses = running.start_server(EXAMPLE)
        running.start_agents(url)
        console.print(
            f"server {addresses['address']}, warehouse and {len(processes.AGENTS)} agents are up in {home}",
            soft_wrap=True,
        )
        with control.connected(addresses["address"], home) as server:
            conditions = progress.follow(server, console, ensure_alive=running.ensure_alive, limit=limit)
            lines = summary.lines_of(server.slots(), server.runs())
        with psycopg.connect(url) as connection:
            comparisons = check.compare(connection, declared.read(EXAMPLE / "definitions"))

        console.print(running.graph(), markup=False, highlight=False, soft_wrap=True)
        console.print(summary.night_table(lines))
        console.print(summary.check_table(comparisons))
        good = conditions.keys() == {"succeeded"} and all(comparison.agrees for comparison in comparisons)
        console.print(
            "every slot succeeded, every total agrees" if good else "something is wrong", style="bold"
        )
        if keep:
            stay(console, running, url=url, addresses=addresses)
        return SUCCESS if good else FAILURE


def stay(console: Console, running: processes.Processes, *, url: str, addresses: dict[str, str]) -> None:
    """Leaves everything running until Ctrl-C, having said where it is."""
    told = [f"{name}: {address}" for name, address in addresses.items()]
    told += [f"warehouse: {url}", f"logs: {running.logs}", "", f"export CONDUCTOR_HOME={running.home}"]
    told += [f"{processes.program('conductor-cli')} status", "", "Ctrl-C stops and removes all of it."]
    console.print("\n" + "\n".join(told), markup=False, highlight=False, soft_wrap=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("stopped; nothing is left behind")


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument(
        "--limit", type=float, default=300.0, help="seconds that the night may take (default 300)"
    )
    return parser.parse_args()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
