"""What a seed stands for: what is declared, who runs it, and which faults there are and how often.

Not every seed has every kind of fault ("swarm testing"): where only some are at work, more can be demanded.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from random import Random

from conductor_server.engine.step import EngineSettings
from conductor_server.model.definition import Account, Concurrency, Declarations, Definition
from conductor_server.model.states import Frequency, StartPolicy
from conductor_server.policy.leadership import Terms
from conductor_server.policy.retry import RetrySettings
from tests.support.build import HOUR, MINUTE, at, definition, reads

SOURCE = "simulated"

FAULTS = (
    "drop",
    "delay",
    "duplicate",
    "cut",
    "partition",
    "kill agent",
    "kill machine",
    "kill server",
    "kill at commit",
    "outage",
    "leap",
    "fail",
    "operator",
    "pause",
    "remove",
    "stray",
    "freeze",
    "cut off",
)

ZONES = (
    "UTC",
    "Europe/London",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
    "+05:30",
)

BEGINNINGS = (
    "2026-11-20T20:20",
    "2026-03-28T21:10",  # Europe's clocks go forward in the night
    "2026-10-24T22:40",  # and back
    "2026-10-31T23:50",  # a month ends
    "2026-10-03T12:30",  # Lord Howe goes forward by half an hour
    "2026-04-04T12:30",
    "2026-09-06T01:15",  # Santiago skips midnight
    "2026-12-31T19:40",
)

SETTINGS = EngineSettings(
    slots_create_extra=2 * HOUR,
    timeout=27 * MINUTE,
    retries=RetrySettings(attempts_max=3, delay=10 * MINUTE),
    heartbeat_interval=6 * MINUTE,
    outage_gap=9 * MINUTE,
    loop_interval=8 * MINUTE,
    full_pass_interval=40 * MINUTE,
    many_parents=1,
)
"""The product's proportions, slowed down: an hour then takes few beats and passes. One parent is many: see barriers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``faulty``, ``longest_run`` and ``fault_every`` are seconds; ``failing`` is the share of runs that fail.

    ``all_lead``: every server runs the engine, and nobody asks who leads.
    ``scale``: how much slower everything goes than in a small scenario; a year has no more passes than it needs.
    """

    seed: int
    begin: dt.datetime
    settings: EngineSettings
    declared: Declarations
    agents: dict[str, dict[str, int]]
    servers: tuple[str, ...]
    all_lead: bool
    terms: Terms
    faults: frozenset[str]
    scale: float
    faulty: float
    longest_run: float
    fault_every: float
    failing: float

    @property
    def agents_are_well(self) -> bool:
        """Nothing ever keeps an agent from being heard, but the server's own absence."""
        return not self.faults & {"drop", "delay", "cut", "partition", "kill agent", "kill machine"}


def scenario(seed: int, *, faults: frozenset[str] | None = None, days: int = 0) -> Scenario:
    """Little more than an hour of hourly and daily work, for some seeds a few; or so many ``days`` of daily, weekly and
    monthly work.
    """
    rng = Random(seed)
    scale = max(1.0, days / 4)
    hours, people = rng.choices(((1.2, 1), (1.2, 2), (2.5, 2), (4, 3)), weights=(50, 30, 15, 5))[0]
    begin = at(rng.choice(BEGINNINGS)) + rng.randrange(60) * MINUTE
    if faults is None:
        kinds = rng.choice((0, 1, 2, 3, 5, 8, len(FAULTS)))
        faults = frozenset(rng.sample(FAULTS, kinds))
    servers, all_lead = rng.choices(
        ((("alpha",), False), (("alpha", "beta"), False), (("alpha", "beta"), True)), weights=(60, 30, 10)
    )[0]
    return Scenario(
        seed=seed,
        begin=begin,
        settings=_slowed(SETTINGS, scale),
        declared=_declared(rng, begin, scale, people),
        agents=_agents(rng),
        servers=servers,
        all_lead=all_lead,
        terms=Terms(lease_s=240 * scale, renew_s=70 * scale, sole=len(servers) == 1),
        faults=faults,
        scale=scale,
        faulty=days * 86400.0 or hours * 3600,
        longest_run=rng.choice((120.0, 900.0, 2400.0)) * scale,
        fault_every=rng.choice((200.0, 500.0, 1200.0)) * scale,
        failing=rng.choice((0.3, 0.8)),
    )


def _slowed(settings: EngineSettings, scale: float) -> EngineSettings:
    return replace(
        settings,
        slots_create_extra=settings.slots_create_extra * scale,
        timeout=settings.timeout * scale,
        retries=replace(settings.retries, delay=settings.retries.delay * scale),
        heartbeat_interval=settings.heartbeat_interval * scale,
        outage_gap=settings.outage_gap * scale,
        loop_interval=settings.loop_interval * scale,
        full_pass_interval=settings.full_pass_interval * scale,
    )


def _declared(rng: Random, begin: dt.datetime, scale: float, people: int) -> Declarations:
    accounts = tuple(
        Account(
            token=token, timezone=rng.choice(ZONES), starts_on=(begin - rng.choice((3, 30)) * HOUR).date()
        )
        for token in ("acme", "bolt", "coal")[:people]
    )
    return Declarations(
        source_token="files",
        definitions=tuple(_with_limits(rng, each) for each in _graph(rng, begin, scale)),
        accounts=accounts,
        pools={"pool": rng.choice((1, 2))},
    )


def _graph(rng: Random, begin: dt.datetime, scale: float) -> list[Definition]:
    starts_on = begin - rng.choice((1, 2, 3)) * HOUR * scale
    if scale == 1:
        fine, coarse = Frequency.HOURLY, rng.choice((Frequency.HOURLY, Frequency.DAILY))
    else:
        fine, coarse = Frequency.DAILY, rng.choice((Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY))
    a = definition("a", frequency=fine, starts_on=starts_on)
    b = definition("b", frequency=coarse, starts_on=starts_on, reads_from=reads("a"))
    match rng.choice(("chain", "diamond", "serial", "back", "failure", "reruns", "barrier", "zone")):
        case "chain":
            return [a, b, definition("c", frequency=coarse, starts_on=starts_on, reads_from=reads("b"))]
        case "diamond":
            other = definition("c", frequency=fine, starts_on=starts_on, reads_from=reads("a"))
            join = definition("d", frequency=fine, starts_on=starts_on, reads_from=reads("b", "c"))
            return [a, b, other, join]
        case "serial":
            return [replace(a, reads_from=reads("a")), b]
        case "back":  # a coarse parent of a finer child
            slow = Frequency.DAILY if scale == 1 else Frequency.WEEKLY
            above = definition("a", frequency=slow, starts_on=starts_on - 48 * HOUR * scale)
            return [above, definition("b", frequency=fine, starts_on=starts_on, reads_from=reads("a"))]
        case "failure":
            alarm = definition(
                "c",
                frequency=fine,
                starts_on=starts_on,
                reads_from=reads("a"),
                start_policy=StartPolicy.AFTER_FAILURE,
            )
            return [a, b, alarm]
        case "reruns":
            return [a, replace(b, start_policy=StartPolicy.AFTER_SUCCESS_AND_RERUNS)]
        case "barrier":
            return [a, replace(b, matrix="default")]
        case _:
            top = definition("a", frequency=fine, matrix="default", starts_on=starts_on)
            return [top, b]


def _with_limits(rng: Random, declared: Definition) -> Definition:
    """Declare limits for some; and another source for some."""
    source = rng.choice(("shell", "shell", "python"))
    match rng.randrange(4):
        case 0:
            return replace(declared, source=source, pools=("pool",))
        case 1:
            return replace(declared, source=source, concurrency=Concurrency(definition=1))
        case _:
            return replace(declared, source=source)


def _agents(rng: Random) -> dict[str, dict[str, int]]:
    first = {"shell": rng.choice((1, 3)), "python": rng.choice((1, 3))}
    return {"one": first} if rng.random() < 0.4 else {"one": first, "two": {"shell": 2}}
