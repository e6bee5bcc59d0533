"""A world to be broken: servers, agents and a database of its own, waves of work, and the means to wait for it.

Time is scaled: what takes ten minutes in a real night takes twelve seconds here (``PROFILE``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import psutil
import yaml

from conductor_server.model.states import SlotState
from tests.faults import witness
from tests.faults.declaration import Fault
from tests.faults.stores import SLOTS, SqliteStore, Store
from tests.faults.witness import Line
from tests.support.processes import Home, Program, home_in, seen

PROFILE = {
    "COMMAND_LOOP_INTERVAL_SECONDS": "0.5",
    "COMMAND_HEARTBEAT_INTERVAL_SECONDS": "1",
    "COMMAND_TIMEOUT_DURATION_MINUTES": "0.2",
    "COMMAND_RETRIES_STANDARD_DELAY_MINUTES": "0.02",
    "COMMAND_SLOTS_CREATE_EXTRA_DAYS": "0",
    "CONDUCTOR_LISTEN": "127.0.0.1:0",
}
TIMEOUT_S = 12.0
"""What the profile says: so long without a heartbeat, and a run is given up."""

SERVER = "server"

UNDECIDED = {SlotState.OPEN, SlotState.ACTIVE}


class World:
    """Everything of one row."""

    def __init__(self, fault: Fault, home: Home, store: Store, random: Random, undo: ExitStack) -> None:
        self.fault = fault
        self.home = home
        self.store = store
        self.random = random
        self.undo = undo
        self.folder = home.path.parent
        self.witness_file = self.folder / "witness"
        self.definitions_file = self.folder / "definitions.yaml"
        self.agents: dict[str, Program] = {}
        self.servers: dict[str, Program] = {}
        self.database_url = ""
        """How servers call the store, where it is not as we do."""
        self.injected = 0
        self.healed_at = 0.0
        self.figures: dict[str, float] = {}
        self.wrong: list[str] = []
        """Violations that the row itself has found."""
        self._definitions: list[dict[str, object]] = []
        self._accounts = [f"acme-{n}" for n in range(fault.accounts)]
        self._wave = ""

    # --- processes

    @property
    def server(self) -> Program:
        """The only one, where there is one."""
        return self.servers[SERVER]

    def serve(
        self, *options: str, name: str = SERVER, via: Sequence[str] = (), **environment: str
    ) -> Program:
        """Start a server, or start it again, and wait until it answers."""
        if not self.definitions_file.exists():
            self._declare()
        url = self.database_url or self.store.url
        options = ("--definitions", str(self.definitions_file), "--database", url, *options)
        self.servers[name] = self.home.serve(*options, via=via, **environment)
        return self.servers[name]

    def agent(self, name: str, *options: str, via: Sequence[str] = (), **environment: str) -> Program:
        """Start an agent, or start it again."""
        source = f"shell={self.fault.places}"
        argv = ("conductor-agent", "--source", source, "--name", name, "--grace", "3s", *options)
        program = self.home.start(*argv, via=via, **environment)
        self.agents[name] = program
        return program

    def some_agent(self) -> str:
        """The name of one that has a command running; they take turns by chance."""
        busy = sorted({name for name in self.agents if self.commands_of(name)})
        return self.random.choice(busy or sorted(self.agents))

    def commands_of(self, name: str) -> list[psutil.Process]:
        """The commands that this agent has running, with all that they have started."""
        own = str(self.home.path / "agents" / name)
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                folders = [value for value in environment.values() if value.startswith(f"{own}/")]
                if "CONDUCTOR_RUN_ID" in environment and folders:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    # --- work

    def wave(self, number: int) -> list[str]:
        """Declare new work, and answer the names of its slots."""
        self._wave = f"w{number}"
        load, count = f"load_{self._wave}", f"count_{self._wave}"
        script = witness.script(self.fault.work)
        more = self.fault.definition
        self._definitions += [
            {"name": load, "writes_to": [f"raw_{self._wave}"], "shell": {"script": script}, **more},
            {"name": count, "reads_from": [f"raw_{self._wave}"], "shell": {"script": script}, **more},
        ]
        self._declare()
        return [f"{name}@{account}/once" for name in (load, count) for account in self._accounts]

    def declare(self, *definitions: dict[str, object]) -> None:
        """Work of the row's own, beside the waves."""
        self._definitions += definitions
        self._declare()

    def remove_account(self, account: str) -> None:
        self._accounts.remove(account)
        self._declare()

    @property
    def accounts(self) -> list[str]:
        return list(self._accounts)

    def _declare(self) -> None:
        document = {
            "version": 1,
            "accounts": [
                {"token": token, "timezone": "UTC", "starts_on": "2026-01-01"} for token in self._accounts
            ],
            "defaults": {
                "source": "shell",
                "frequency": "one_off",
                "starts_on": "2026-01-01",
                "matrix": "account",
            },
            "definitions": self._definitions,
        }
        temporary = self.definitions_file.with_suffix(".new")
        temporary.write_text(yaml.safe_dump(document))
        temporary.replace(self.definitions_file)

    # --- waiting

    def lines(self) -> list[Line]:
        return witness.read(self.witness_file)

    def in_load(self, slots: Sequence[str], *, begun: int = 1) -> None:
        """Until commands of these slots run; then a moment more, another one each time."""
        wanted = set(slots)
        self.until(
            lambda: sum(line.what == "BEGIN" and line.slot in wanted for line in self.lines()) >= begun,
            "the wave has begun",
        )
        time.sleep(self.random.uniform(0, 0.5))

    def healed(self) -> None:
        """The fault is over: from now on it counts how long recovery takes."""
        self.healed_at = time.monotonic()

    def states(self) -> dict[str, SlotState]:
        """Every slot's state; nothing while the database cannot be asked."""
        try:
            return {name: SlotState(state) for name, state in self.store.rows(SLOTS)}
        except OSError:
            return {}

    def settled(self, slots: Sequence[str]) -> bool:
        states = self.states()
        return all(states.get(slot, SlotState.OPEN) not in UNDECIDED for slot in slots)

    def until(self, holds: Callable[[], bool], what: str, *, within_s: float = 0.0) -> None:
        """Wait for a condition. Raises ``AssertionError`` when it does not come true."""
        within_s = within_s or self.fault.within_s
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"after {within_s:.0f} s it does not hold that {what}"
            time.sleep(0.05)

    def rest(self, seconds: float) -> None:
        """The fault lasts this long."""
        time.sleep(seconds)


def prepare(world: World) -> None:
    """What most rows begin with: one server, and its agents."""
    world.serve()
    for number in range(world.fault.agents):
        world.agent(f"agent-{number}")


@contextmanager
def world_of(fault: Fault, folder: Path, random: Random, postgres: Callable[[], Store]) -> Iterator[World]:
    """A world of this row at work, on SQLite unless ``postgres`` is to be asked for a database."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = PROFILE | dict(fault.settings) | {"WITNESS": str(folder / "witness")}
    with ExitStack() as undo, home_in(folder, environment) as home:
        store = postgres()
        world = World(fault, home, store, random, undo)
        try:
            (fault.prepare or prepare)(world)
            world.store.watch()
            yield world
        finally:
            undo.close()  # before the processes are ended: a frozen one would not die


def sqlite_of(folder: Path) -> Store:
    return SqliteStore(folder / "conductor.db")


def connected(world: World, name: str) -> None:
    """Until this agent has a session."""
    seen(lambda: "connected" in world.agents[name].said)
