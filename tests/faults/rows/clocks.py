"""Wall clocks that leap. Each injection is one more leap; nobody sets the clock right afterwards."""

from __future__ import annotations

from tests.faults.declaration import fault
from tests.faults.tools import clock
from tests.faults.tools.clock import FalseClock
from tests.faults.world import World

HOUR_S = 3600
_clocks: dict[str, FalseClock] = {}


def _on_server(world: World) -> None:
    _prepare(world, servers=True, agents=False)


def _on_agents(world: World) -> None:
    _prepare(world, servers=False, agents=True)


def _prepare(world: World, *, servers: bool, agents: bool) -> None:
    false = FalseClock(world.folder / "clock")
    _clocks[str(world.folder)] = false
    world.undo.callback(_clocks.pop, str(world.folder))
    world.serve(**(false.environment if servers else {}))
    for number in range(world.fault.agents):
        world.agent(f"agent-{number}", **(false.environment if agents else {}))


def _leap(world: World, seconds: int) -> None:
    _clocks[str(world.folder)].leap(seconds)
    world.healed()


@fault(
    component="clock",
    how="the server's clock leaps an hour ahead",
    expected="no run is given up for an hour that nobody lived through",
    needs=clock.missing,
    prepare=_on_server,
    times=2,
)
def server_clock_ahead(world: World) -> None:
    _leap(world, HOUR_S)


@fault(
    component="clock",
    how="the server's clock leaps an hour back",
    expected="nothing waits for an hour, nothing is created twice",
    needs=clock.missing,
    prepare=_on_server,
    times=2,
)
def server_clock_back(world: World) -> None:
    _leap(world, -HOUR_S)


@fault(
    component="clock",
    how="the server's clock leaps forty days ahead",
    expected="the same",
    needs=clock.missing,
    prepare=_on_server,
    times=2,
)
def server_clock_forty_days_ahead(world: World) -> None:
    _leap(world, 40 * 24 * HOUR_S)


@fault(
    component="clock",
    how="the agents' clocks leap an hour ahead, an hour back, forty days ahead",
    expected="nothing is noticed: agents measure spans only",
    needs=clock.missing,
    prepare=_on_agents,
)
def agent_clock(world: World) -> None:
    leaps = (HOUR_S, -HOUR_S, 40 * 24 * HOUR_S)
    number = world.injected % len(leaps)
    _leap(world, leaps[number])
