"""Three servers on one PostgreSQL: one leads, all serve agents, any of them may go."""

from __future__ import annotations

import re
import signal
import socket
import time

import psutil

from tests.faults.declaration import POSTGRESQL, fault
from tests.faults.stores import PostgresStore, patiently
from tests.faults.tools import network as networks
from tests.faults.tools import postgres
from tests.faults.tools.network import Network, certificate_for, network
from tests.faults.world import World

NAMES = ("a", "b", "c")
LEASE_S = 3.0
SETTINGS = {"COMMAND_LEADER_LEASE_SECONDS": f"{LEASE_S:g}", "COMMAND_LEADER_RENEW_SECONDS": "0.5"}
_LEADING = re.compile(r"info +\] leading +epoch=(\d+)")
_listens: dict[str, dict[str, str]] = {}
_networks: dict[str, Network] = {}


def _three(world: World) -> None:
    listens = _listens[str(world.folder)] = {name: f"127.0.0.1:{_free_port()}" for name in NAMES}
    world.undo.callback(_listens.pop, str(world.folder))
    for name in NAMES:
        _serve(world, name)
    for number in range(world.fault.agents):
        world.agent(f"agent-{number}", "--server", ",".join(listens.values()))


def _three_on_machines(world: World) -> None:
    """Each with a machine of its own, and PostgreSQL on another."""
    net = _networks[str(world.folder)] = world.undo.enter_context(network())
    world.undo.callback(_networks.pop, str(world.folder))
    database = net.add("database")
    sockets = postgres.make_folder(world.folder / "sockets")
    postgres.own_cluster(
        world,
        sockets,
        via=database,
        options=f"-c listen_addresses={net.address('database')}",
        trusted="10.77.0.0/24",
    )
    world.store = PostgresStore(postgres.cluster_of(world).url)
    world.database_url = f"postgresql://postgres@{net.address('database')}/postgres"
    places = {name: net.add(name) for name in NAMES}
    listens = {name: f"{net.address(name)}:7400" for name in NAMES}
    certificate, key = certificate_for(world.folder, [net.address(name) for name in NAMES])
    for name in NAMES:
        tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
        world.serve("--listen", listens[name], *tls, name=name, via=places[name])
    for number in range(world.fault.agents):
        agent = f"agent-{number}"
        servers = ("--server", ",".join(listens.values()), "--ca", str(certificate))
        world.agent(agent, *servers, via=net.add(agent))


def _serve(world: World, name: str) -> None:
    world.serve("--listen", _listens[str(world.folder)][name], name=name)


def _leader(world: World) -> tuple[str, int]:
    """The server that leads, and its epoch: what the database says, and which server says the same of itself."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        [(holder, epoch)] = patiently(world.store, "SELECT holder, epoch FROM command_leader")
        if holder:
            for name, each in world.servers.items():
                if str(epoch) in _LEADING.findall(each.said):
                    return name, epoch
        time.sleep(0.05)
    raise AssertionError("nobody leads")


def _until_replaced(world: World, epoch: int) -> None:
    began = time.monotonic()
    world.until(lambda: _leader(world)[1] > epoch, "another server leads")
    name = "s until another server led, at most"
    world.figures[name] = max(world.figures.get(name, 0.0), time.monotonic() - began)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@fault(
    component="servers",
    how="nothing is done to the three of them",
    expected="what the work itself takes with three servers",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    prepare=_three,
)
def control_of_three(world: World) -> None:
    return None


@fault(
    component="servers",
    how="SIGKILL of the leading server; started again once another one leads",
    expected="another server takes the lead when the lease is over; agents dial the others",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    prepare=_three,
)
def leader_killed(world: World) -> None:
    name, epoch = _leader(world)
    world.servers[name].kill()
    _until_replaced(world, epoch)
    _serve(world, name)


@fault(
    component="servers",
    how="SIGSTOP of the leading server until another one leads, and as long again; then SIGCONT",
    expected="what it had begun under its epoch changes nothing any more; it steps down",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    prepare=_three,
)
def leader_frozen(world: World) -> None:
    name, epoch = _leader(world)
    frozen = world.servers[name]
    frozen.popen.send_signal(signal.SIGSTOP)
    world.undo.callback(frozen.popen.send_signal, signal.SIGCONT)
    _until_replaced(world, epoch)
    world.rest(LEASE_S)
    frozen.popen.send_signal(signal.SIGCONT)
    world.healed()


@fault(
    component="servers",
    how="SIGKILL of a server that agents are connected to; started again at once",
    expected="its agents dial another one; no run is given up",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    prepare=_three,
)
def serving_server_killed(world: World) -> None:
    listens = _listens[str(world.folder)]
    agent = psutil.Process(world.agents[world.some_agent()].popen.pid)
    ports = {each.raddr.port for each in agent.net_connections() if each.raddr}
    serving = [name for name, listen in listens.items() if int(listen.rpartition(":")[2]) in ports]
    name = world.random.choice(serving or list(NAMES))
    world.servers[name].kill()
    world.healed()
    _serve(world, name)


@fault(
    component="servers",
    how="each server in turn gets SIGTERM and is started again, as an upgrade does",
    expected="nothing is noticed but agents that dial again",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    prepare=_three,
    work="sleep 2",
    times=2,
)
def servers_restarted_in_turn(world: World) -> None:
    for name in NAMES:
        code = world.servers[name].terminate()
        if code:
            world.wrong.append(f"server {name} ended with {code}")
        _serve(world, name)
    world.healed()


@fault(
    component="servers",
    how="the leading server is cut off from PostgreSQL, both ways, until another one leads, and as long again",
    expected="it stops by its own clock; another takes the lead when the lease is over",
    stores=(POSTGRESQL,),
    settings=SETTINGS,
    needs=networks.missing,
    prepare=_three_on_machines,
    times=2,
)
def leader_cut_off_from_postgresql(world: World) -> None:
    net = _networks[str(world.folder)]
    name, epoch = _leader(world)
    net.drop(name, incoming=100, outgoing=100, peer="database")
    _until_replaced(world, epoch)
    world.rest(LEASE_S)
    net.mend(name)
    world.healed()
