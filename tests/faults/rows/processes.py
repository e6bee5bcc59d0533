"""Programs that are killed, stopped and asked to end."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from tests.faults.declaration import LONG_LOAD, POSTGRESQL, SQLITE, fault
from tests.faults.world import TIMEOUT_S, World


@fault(
    component="nothing",
    how="nothing is done to it",
    expected="how long a wave takes from the moment at which the others are hit: what to compare them with",
)
def control(world: World) -> None:
    return None


@fault(
    component="server",
    how="SIGKILL in load; started again at once",
    expected="agents go on and dial again; what was acknowledged is there, nothing runs twice",
)
def server_killed(world: World) -> None:
    world.server.kill()
    world.healed()
    world.serve()


@fault(
    component="server",
    how="SIGTERM in load; started again when it has ended",
    expected="it drains and exits with 0; agents dial again",
)
def server_asked_to_stop(world: World) -> None:
    code = world.server.terminate()
    if code:
        world.wrong.append(f"the server ended with {code}")
    world.healed()
    world.serve()


@fault(
    component="server",
    how="SIGSTOP for longer than an agent may be silent, then SIGCONT",
    expected="nobody could be heard, so nobody is given up",
    stores=(POSTGRESQL,),
    times=2,
)
def server_frozen(world: World) -> None:
    world.server.popen.send_signal(signal.SIGSTOP)
    world.rest(TIMEOUT_S + 3)
    world.server.popen.send_signal(signal.SIGCONT)
    world.healed()


@fault(
    component="server",
    how="SIGKILL, and no server for longer than an agent may be silent",
    expected="commands go on, reports wait in the agents' journals, and no live run is given up for our absence",
    accounts=2,
    stores=(SQLITE,),
    times=2,
    work=LONG_LOAD,
)
def server_absent(world: World) -> None:
    world.server.kill()
    world.rest(TIMEOUT_S + 3)
    world.healed()
    world.serve()


@fault(
    component="agent",
    how="SIGKILL of the agent alone; started again at once",
    expected="its commands go on; the new process adopts them and reports their ends: one attempt each",
)
def agent_killed(world: World) -> None:
    name = world.some_agent()
    world.agents[name].kill()
    world.healed()
    world.agent(name)


@fault(
    component="agent",
    how="SIGKILL of the agent and of all that it had started, as when its machine dies; back after the time-out",
    expected="its runs time out after the silence allowed, and are retried by the others",
    may_time_out=True,
    stores=(SQLITE,),
    times=2,
)
def agent_killed_with_commands(world: World) -> None:
    name = world.some_agent()
    commands = world.commands_of(name)
    world.agents[name].kill()
    for each in commands:
        _kill(each)
    world.healed()
    world.rest(TIMEOUT_S)
    world.agent(name)


@fault(
    component="agent",
    how="SIGTERM in load (--on-stop finish); started again when it has ended",
    expected="it takes nothing new, waits for its commands, reports them, and exits with 0",
)
def agent_asked_to_stop(world: World) -> None:
    name = world.some_agent()
    code = world.agents[name].terminate()
    if code:
        world.wrong.append(f"agent {name} ended with {code}")
    world.healed()
    world.agent(name)


@fault(
    component="agent",
    how="SIGSTOP of the agent alone for longer than it may be silent, then SIGCONT; its commands go on meanwhile",
    expected="its runs are retried elsewhere; back, it learns that its leases are lost; late reports change nothing",
    may_time_out=True,
    may_overlap=True,
    work="sleep 3",
    stores=(POSTGRESQL,),
    times=2,
)
def agent_frozen(world: World) -> None:
    popen = world.agents[world.some_agent()].popen
    popen.send_signal(signal.SIGSTOP)
    world.undo.callback(_go_on, popen.pid)
    world.rest(TIMEOUT_S + 3)
    popen.send_signal(signal.SIGCONT)
    world.healed()


@fault(
    component="command",
    how="SIGKILL of one running command",
    expected="its run has failed, and is retried after the policy's delay",
    may_fail=True,
)
def command_killed(world: World) -> None:
    running = [line.pid for line in world.lines() if line.what == "BEGIN" and psutil.pid_exists(line.pid)]
    if running:
        _kill(psutil.Process(world.random.choice(running)))


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
