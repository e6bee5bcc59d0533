"""Commands that misbehave, and more than there should be of everything."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import psutil

from conductor_server.model.states import SlotState
from tests.faults import witness
from tests.faults.declaration import SQLITE, fault
from tests.faults.stores import patiently
from tests.faults.tools import freezer as freezers
from tests.faults.tools.freezer import Freezer, freezer
from tests.faults.world import TIMEOUT_S, World
from tests.faults.world import prepare as as_usual

MIB = 2**20
OUTPUT_BYTES = 1_000_000_000
CONNECTIONS = 2_000
AGENTS_MAX = 30
_freezers: dict[str, Freezer] = {}


def _in_a_freezer(world: World) -> None:
    """The first agent, with all that it will start."""
    as_usual(world)
    group = world.undo.enter_context(freezer(f"conductor-faults-{world.server.popen.pid}"))
    group.add(world.agents["agent-0"].popen.pid)
    _freezers[str(world.folder)] = group
    world.undo.callback(_freezers.pop, str(world.folder))


@fault(
    component="agent",
    how="an agent and its commands are frozen in one instant (cgroup), for longer than it may be silent, and thawed",
    expected="its runs are retried elsewhere; thawed, it stops its commands; what they report changes nothing",
    needs=freezers.missing,
    prepare=_in_a_freezer,
    work="sleep 3",
    may_time_out=True,
    may_overlap=True,
    stores=(SQLITE,),
    times=2,
)
def agent_frozen_with_commands(world: World) -> None:
    group = _freezers[str(world.folder)]
    group.freeze()
    world.rest(TIMEOUT_S + 3)
    group.thaw()
    world.healed()


@fault(
    component="command",
    how="the first attempt hangs for ten minutes, under an agent that is well; its definition allows 3 s",
    expected="the agent stops it after 3 s, the run has failed with the reason, and the next attempt succeeds",
    stores=(SQLITE,),
    work='[ "$CONDUCTOR_ATTEMPT" -gt 1 ] || sleep 600',
    definition={"timeout": "3s"},
    may_fail=True,
    accounts=2,
    times=2,
)
def command_hangs(world: World) -> None:
    return None


@fault(
    component="command",
    how="the same, and it ignores SIGTERM, with a child that ignores it too",
    expected="SIGKILL for the whole group after the agent's grace (3 s here)",
    stores=(SQLITE,),
    work="""[ "$CONDUCTOR_ATTEMPT" -gt 1 ] || { trap '' TERM; sleep 600 & sleep 600; }""",
    definition={"timeout": "3s"},
    may_fail=True,
    accounts=2,
    times=2,
)
def command_ignores_sigterm(world: World) -> None:
    return None


@fault(
    component="command",
    how="every command leaves a process behind in its group, as `daemon &` does",
    expected="it is killed with the group when the command has ended",
    stores=(SQLITE,),
    work="{ sleep 600 & sleep 0.3; }",
)
def command_leaves_processes(world: World) -> None:
    return None


@fault(
    component="command",
    how="a command kills its agent and itself at each attempt; each time another agent comes, as in a fleet",
    expected="after three agents lost in a row it is quarantined; everybody else's work is done",
    stores=(SQLITE,),
    work="sleep 2",
    may_time_out=True,
    times=1,
)
def command_kills_its_agents(world: World) -> None:
    names = itertools.count(world.fault.agents)
    lost = _poisoned(world, replace=lambda _: world.agent(f"agent-{next(names)}"))
    if lost != 3:
        world.wrong.append(f"{lost} agents were lost, not three")


@fault(
    component="command",
    how="the same, and each time the agent comes back under its name and with nothing left, as a container does",
    expected="the same; what else it ran is run again, as its journal is gone",
    stores=(SQLITE,),
    work="sleep 2",
    may_time_out=True,
    may_forget=True,
    places=1,  # what always runs beside it would share its fate
    times=1,
)
def command_kills_its_container(world: World) -> None:
    def replace(name: str) -> None:
        shutil.rmtree(world.home.path / "agents" / name)
        world.agent(name)

    lost = _poisoned(world, replace=replace)
    if lost != 3:
        world.wrong.append(f"{lost} agents were lost, not three")


def _poisoned(world: World, *, replace: Callable[[str], object]) -> int:
    """Have a command kill whoever runs it until it is quarantined. Answers how many agents that took."""
    shell = "read -r _ _ _ parent _ </proc/$PPID/stat; kill -9 $parent $PPID; kill -9 $$"
    script = f"{witness.TELL}{shell}\n"
    world.declare({"name": "poison", "matrix": "default", "priority": 100, "shell": {"script": script}})
    lost = 0

    def is_quarantined() -> bool:
        nonlocal lost
        for name, each in [*world.agents.items()]:
            if each.popen.poll() is not None:
                lost += each.popen.returncode < 0  # else it was refused: its name is still taken for alive
                del world.agents[name]
                replace(name)
        assert lost <= AGENTS_MAX, f"{lost} agents were lost, and the command is tried on"
        return world.states().get("poison/once") is SlotState.QUARANTINED

    world.until(is_quarantined, "the poison is quarantined")
    world.figures["agents lost"] = lost
    return lost


@fault(
    component="command",
    how="a command writes 1 GB to its output, all in one line",
    expected="the first 10 MiB are kept; nobody else is held up, and no program grows by more than 64 MiB",
    stores=(SQLITE,),
    work=f"""case $CONDUCTOR_DEFINITION in load_*) head -c {OUTPUT_BYTES} /dev/zero | tr '\\0' x;; esac""",
    accounts=1,
    times=1,
)
def command_floods_its_output(world: World) -> None:
    programs = {"server": world.server, **world.agents}
    before = {name: psutil.Process(each.popen.pid).memory_info().rss for name, each in programs.items()}
    most = dict(before)

    def is_done() -> bool:
        for name, each in programs.items():
            with suppress(psutil.Error):
                most[name] = max(most[name], psutil.Process(each.popen.pid).memory_info().rss)
        return world.settled(["load_w0@acme-0/once"])

    world.until(is_done, "the flood is over")
    world.rest(3.0)  # what is still being pushed
    is_done()
    grown = {name: (most[name] - before[name]) / MIB for name in programs}
    world.figures["MiB that the server grew by"] = grown["server"]
    world.figures["MiB that an agent grew by"] = max(each for name, each in grown.items() if name != "server")
    world.wrong += [f"{name} grew by {each:.0f} MiB" for name, each in grown.items() if each > 64]
    [(kept,)] = patiently(world.store, "SELECT coalesce(sum(length(data)), 0) FROM command_log_chunk")
    world.figures["MiB kept"] = kept / MIB
    if not 9 * MIB < kept < 11 * MIB:
        world.wrong.append(f"{kept} bytes of output were kept")


@fault(
    component="load",
    how="5,000 slots fall due at once, while two other processes take both processors; four agents of eight places",
    expected="heartbeats are heard all the same: not one run is given up",
    stores=(SQLITE,),
    work="true",
    accounts=2500,
    agents=4,
    places=8,
    within_s=500.0,
    times=1,
)
def midnight(world: World) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.callback(_end, subprocess.Popen(["sh", "-c", "while :; do :; done"]))
        slots = [f"{name}_w0@{account}/once" for name in ("load", "count") for account in world.accounts]
        world.until(lambda: world.settled(slots), "all 5,000 are decided")
    world.figures["slots"] = len(slots)
    world.figures["slots a second"] = len(slots) / (time.monotonic() - world.healed_at)


@fault(
    component="load",
    how=f"{CONNECTIONS:,} connections that say nothing, or one byte a second, for 10 s",
    expected="agents' streams go on as if nothing were there",
    stores=(SQLITE,),
    times=2,
)
def connections_flood(world: World) -> None:
    host, _, port = world.home.announced()["address"].rpartition(":")
    with ExitStack() as stack:
        sockets = []
        for _ in range(CONNECTIONS):
            with suppress(OSError):
                sockets.append(stack.enter_context(socket.create_connection((host, int(port)), timeout=2)))
        done = threading.Event()
        preface = iter(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

        def drip() -> None:
            while not done.wait(1.0):
                byte = bytes([next(preface)])
                for each in sockets[::2]:
                    with suppress(OSError):
                        each.send(byte)

        dripping = threading.Thread(target=drip)
        dripping.start()
        world.rest(10.0)
        done.set()
        dripping.join()
        world.figures["connections"] = len(sockets)
    world.healed()


@fault(
    component="operator",
    how="an account is removed from its file while its commands run",
    expected="its slots and runs are gone, its commands are stopped, all others go on",
    accounts=9,
    work="sleep 2",
    times=2,
)
def account_removed(world: World) -> None:
    account = world.random.choice(world.accounts)
    world.remove_account(account)
    world.healed()

    def is_gone() -> bool:
        slots = [name for name in world.states() if f"@{account}/" in name]
        return bool(world.states()) and not slots and not _commands_of(account)

    world.until(is_gone, f"nothing is left of {account}")


def _commands_of(account: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("CONDUCTOR_ACCOUNT") == account:
                found.append(process)
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
