"""The night of real flights while its server and agents are killed at random moments: its totals still come out right.

``make soak`` runs it; the normal suite does not, as it takes minutes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom

import psycopg
import pytest

from tests.e2e.nights import DECIDED
from tests.support.processes import Home, Program, home_in

FLIGHTS = Path(__file__).resolve().parents[2] / "examples" / "flights"
sys.path.insert(0, str(FLIGHTS))

from night import check, declared, processes, warehouse  # noqa: E402 - found only now

pytestmark = pytest.mark.soak

NIGHT_S_MAX = 1500.0
KILLS_AT_LEAST = 5
REST_S = (0.2, 3.0)
"""Between two kills: often enough to hit everything, rarely enough for the night to get on."""


class Night:
    """The processes of the demo, each of which may be killed and is started again at once."""

    def __init__(self, home: Home, warehouse_url: str) -> None:
        self._home, self._warehouse_url = home, warehouse_url
        self._programs = {name: self._start(name) for name in ("server", *processes.AGENTS)}
        self.killed = Counter[str]()

    def kill(self, name: str) -> None:
        self._programs[name].kill()
        self.killed[name] += 1
        self._programs[name] = self._start(name)

    def ensure_alive(self) -> None:
        for name, each in self._programs.items():
            assert each.popen.poll() is None, f"{name} has ended by itself:\n{each.said[-4000:]}"

    @property
    def victims(self) -> list[str]:
        return [*self._programs]

    def conditions(self) -> Counter[str]:
        """Slots by condition; nothing while the server cannot be asked."""
        done = self._home.run("conductor-cli", "status", "-o", "json")
        if done.returncode:
            return Counter()
        status = json.loads(done.stdout)
        return Counter(status["slots"]) + Counter(not_due=status["slots_not_due"])

    def _start(self, name: str) -> Program:
        if name == "server":
            return self._home.serve("--definitions", str(FLIGHTS))
        argv = processes.agent_argv(
            name, concurrency=processes.AGENTS[name], state=self._home.path / "agents" / name
        )
        return self._home.start(*argv, WAREHOUSE_URL=self._warehouse_url, OPENBLAS_NUM_THREADS="1")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: as root the warehouse runs as another user, who must be able to get there."""
    with tempfile.TemporaryDirectory(prefix="conductor-soak-") as folder:
        yield Path(folder).resolve()


@pytest.mark.timeout(NIGHT_S_MAX + 300)
def test_the_demo_under_sigkill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = int(os.environ.get("CONDUCTOR_SOAK_SEED") or SystemRandom().randrange(10**6))
    print(f"\nCONDUCTOR_SOAK_SEED={seed}")
    random = Random(seed)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))  # where the embedded PostgreSQL keeps its lock file
    settings = processes.QUICK_SETTINGS | {
        "CONDUCTOR_LISTEN": "127.0.0.1:0",
        "COMMAND_HEARTBEAT_INTERVAL_SECONDS": "1",
    }
    with warehouse.started(folder / "warehouse") as url, home_in(folder, settings) as home:
        night = Night(home, url)
        deadline = time.monotonic() + NIGHT_S_MAX
        conditions, quiet = Counter[str](), 0
        while quiet < 3:  # slots arrive in batches: all decided must be seen more than once
            assert time.monotonic() < deadline, f"still {conditions} after {night.killed}"
            time.sleep(random.uniform(*REST_S))
            night.ensure_alive()
            conditions = night.conditions()
            decided = conditions.total() > 0 and conditions.keys() <= DECIDED
            quiet = quiet + 1 if decided else 0
            if not decided:
                night.kill(random.choice(night.victims))
            print(f"{night.killed.total()} killed, {dict(conditions)}", flush=True)

        assert conditions.keys() == {"succeeded"}
        assert night.killed.total() >= KILLS_AT_LEAST
        with psycopg.connect(url) as connection:
            comparisons = check.compare(connection, declared.read(FLIGHTS / "definitions"))
        assert [f"{each.subject}: {each.verdict}" for each in comparisons if not each.agrees] == []
        print(
            f"{conditions.total()} slots succeeded, {len(comparisons)} kinds of totals agree; {dict(night.killed)}"
        )
