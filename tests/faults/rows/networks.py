"""Networks that lose packets. Server and agents are on machines (namespaces) of their own, and speak TLS."""

from __future__ import annotations

from tests.faults.declaration import SQLITE, fault
from tests.faults.tools import network as networks
from tests.faults.tools.network import Network, certificate_for, network
from tests.faults.world import TIMEOUT_S, World

BRIEF_S = 5.0
_networks: dict[str, Network] = {}


def _prepare(world: World) -> None:
    net = world.undo.enter_context(network())
    _networks[str(world.folder)] = net
    world.undo.callback(_networks.pop, str(world.folder))
    server = net.add("server")
    certificate, key = certificate_for(world.folder, [net.address("server")])
    listen = f"{net.address('server')}:7400"
    world.serve(
        *("--listen", listen, "--tls-certificate", str(certificate), "--tls-key", str(key)), via=server
    )
    for number in range(world.fault.agents):
        name = f"agent-{number}"
        world.agent(name, "--server", listen, "--ca", str(certificate), via=net.add(name))


def _cut(world: World, seconds: float, *, incoming: int = 0, outgoing: int = 0, name: str = "") -> None:
    net = _networks[str(world.folder)]
    name = name or world.some_agent()
    net.drop(name, incoming=incoming, outgoing=outgoing)
    world.rest(seconds)
    net.mend(name)
    world.healed()


@fault(
    component="network",
    how=f"an agent is cut off, both ways, for {BRIEF_S:.0f} s: less than it may be silent",
    expected="nothing is noticed",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
)
def agent_cut_off_briefly(world: World) -> None:
    _cut(world, BRIEF_S, incoming=100, outgoing=100)


@fault(
    component="network",
    how="an agent is cut off, both ways, for longer than it may be silent; its commands go on meanwhile",
    expected="its runs are retried elsewhere; back, it stops what it still runs; its late reports change nothing",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
    work="sleep 3",
    may_time_out=True,
    may_overlap=True,
    times=2,
)
def agent_cut_off(world: World) -> None:
    _cut(world, TIMEOUT_S + 4, incoming=100, outgoing=100)


@fault(
    component="network",
    how="an agent hears the server, and is not heard, for longer than it may be silent",
    expected="the same",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
    work="sleep 3",
    may_time_out=True,
    may_overlap=True,
    times=2,
)
def agent_not_heard(world: World) -> None:
    _cut(world, TIMEOUT_S + 4, outgoing=100)


@fault(
    component="network",
    how="an agent is heard, and does not hear the server, for longer than it may be silent",
    expected="TCP gives up on what is never acknowledged; the rest as above",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
    work="sleep 3",
    may_time_out=True,
    may_overlap=True,
    times=2,
)
def agent_does_not_hear(world: World) -> None:
    _cut(world, TIMEOUT_S + 4, incoming=100)


@fault(
    component="network",
    how="every connection to the server is half open for 35 s: it sends and receives nothing, and nobody is told",
    expected="both sides find out by their pings within half a minute; agents dial again",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
    work="sleep 3",
    may_time_out=True,
    may_overlap=True,
    times=1,
)
def connections_half_open(world: World) -> None:
    _cut(world, 35.0, incoming=100, outgoing=100, name="server")


@fault(
    component="network",
    how="20 % of the server's packets are lost, both ways, until the wave is done",
    expected="slower, and nothing else",
    stores=(SQLITE,),
    needs=networks.missing,
    prepare=_prepare,
)
def packets_lost(world: World) -> None:
    net = _networks[str(world.folder)]
    if world.injected == 0:
        net.drop("server", incoming=20, outgoing=20)
    world.healed()
