"""Three servers on one PostgreSQL database: whichever is killed, frozen or cut off, the night goes on.

Triggers write down every change that the engine makes, with the epoch under which it was decided, and the epoch that
was in force.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from conductor_server.model.states import RunStatus, SlotState
from tests.e2e.nights import declare, executions, script
from tests.postgres import fresh_database
from tests.support.processes import QUICK, Home, Program, home_in, seen

pytestmark = pytest.mark.e2e

LEASE_S = 2.0

SETTINGS = {
    "COMMAND_LEADER_LEASE_SECONDS": str(LEASE_S),
    "COMMAND_LEADER_RENEW_SECONDS": "0.4",
    # Within the time that some of these tests take: whose silence is not forgiven is given up.
    "COMMAND_TIMEOUT_DURATION_MINUTES": "0.1",
}

WITNESSED = """
CREATE TABLE written (id bigint GENERATED ALWAYS AS IDENTITY, decided bigint, present bigint);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('conductor.leader_epoch', true) <> '' THEN
    INSERT INTO written (decided, present)
    SELECT current_setting('conductor.leader_epoch')::bigint, epoch FROM command_leader;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON command_slot FOR EACH ROW EXECUTE FUNCTION witness();
CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON command_run FOR EACH ROW EXECUTE FUNCTION witness();
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON command_engine_state FOR EACH ROW EXECUTE FUNCTION witness();
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One of the servers; all have one home, and so one token."""

    program: Program
    address: str


@dataclass(slots=True, kw_only=True)
class Cluster:
    home: Home
    database_url: str
    replicas: list[Replica]

    @property
    def definitions(self) -> Path:
        return self.home.path.parent / "definitions.yaml"

    def status(self, replica: Replica) -> Mapping[str, Any]:
        done = self.home.run("conductor-cli", "--server", replica.address, "status", "-o", "json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else {}

    def leader(self) -> Replica:
        """By the database, whatever servers believe."""
        (server,) = seen(lambda: self.rows("SELECT server FROM command_leader WHERE holder <> ''"))[0]
        return next(each for each in self.replicas if f"[{each.program.popen.pid}]" in server)

    def another_leads(self, than: Replica) -> Replica:
        return seen(self.leader, lambda leader: leader is not than)

    def epoch(self) -> int:
        return int(self.rows("SELECT epoch FROM command_leader")[0][0])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def agent(self, name: str, *, avoiding: Replica | None = None) -> Program:
        """An agent that knows all servers, or all but one."""
        started = self.home.start(
            *("conductor-agent", "--name", name, "--source", "shell", "--concurrency", "4"),
            *("--server", ",".join(each.address for each in self.replicas if each is not avoiding)),
        )
        seen(lambda: "connected" in started.said)
        return started

    def until_succeeded(self, slots: int) -> None:
        """Wait until so many slots exist and all have succeeded."""
        states = "SELECT state, count(*) FROM command_slot GROUP BY state"
        seen(lambda: self.rows(states), lambda found: found == [(SlotState.SUCCEEDED, slots)])

    def check(self, slots: int) -> None:
        """Nothing was lost, nothing was done twice, nobody was given up, and no stale leader wrote anything."""
        statuses = dict(self.rows("SELECT status, count(*) FROM command_run GROUP BY status"))
        assert statuses.pop(RunStatus.SUCCESS) == slots
        assert statuses.keys() <= {RunStatus.RELEASED}, (
            "what was lost on its way was given back, nobody given up"
        )
        executed = executions(self.home)
        assert executed.total() == slots
        assert set(executed.values()) == {1}
        written = self.rows("SELECT decided, present FROM written ORDER BY id")
        assert [(decided, present) for decided, present in written if decided != present] == []
        epochs = [decided for decided, _ in written]
        assert epochs == sorted(epochs), "an epoch's writes are over before the next epoch's first"
        assert len(set(epochs)) > 1, "the lead has changed, and both leaders have worked"


@pytest.fixture
def cluster(postgres_url: str, postgres_template: str, tmp_path: Path) -> Iterator[Cluster]:
    with (
        fresh_database(postgres_url, template=postgres_template) as url,
        home_in(tmp_path, {**QUICK, **SETTINGS}) as home,
    ):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(WITNESSED)
        cluster = Cluster(home=home, database_url=url, replicas=[])
        declare(cluster.definitions, [])
        programs = [
            home.start("conductor-server", "--database", url, "--definitions", str(cluster.definitions))
            for _ in range(3)
        ]
        cluster.replicas += [Replica(program=each, address=serving_at(each)) for each in programs]
        yield cluster


def serving_at(server: Program) -> str:
    """Where it says that it serves, as soon as it does: what it leaves in the home is overwritten by the next."""

    def said() -> re.Match[str] | None:
        assert server.popen.poll() is None, f"the server has ended:\n{server.said}"
        return re.search(r"\bserving\b.*\baddress=(\S+)", server.said)

    found = seen(said)
    assert found is not None
    return found[1]


def layers(depth: int, accounts: int) -> tuple[list[dict[str, Any]], list[str]]:
    """A chain of definitions for many accounts, so that the engine has work all the time."""
    chain = [
        {
            "name": f"step{level}",
            "reads_from": [f"t{level - 1}"] if level else [],
            "writes_to": [f"t{level}"],
            "shell": script("sleep 0.05"),
        }
        for level in range(depth)
    ]
    return chain, [f"a{number}" for number in range(accounts)]


def test_the_leader_is_killed_in_load_and_another_leads(cluster: Cluster) -> None:
    chain, accounts = layers(4, 12)
    declare(cluster.definitions, chain, accounts)
    agents = [cluster.agent("one"), cluster.agent("two")]
    first = cluster.leader()
    seen(lambda: executions(cluster.home).total() >= 8)
    first.program.kill()
    second = cluster.another_leads(first)
    seen(lambda: executions(cluster.home).total() >= 20)
    assert cluster.status(second)["leads"]

    second.program.popen.send_signal(signal.SIGTERM)  # one that stops in order is replaced at once
    third = cluster.another_leads(second)
    assert second.program.exit_code() == 0
    cluster.until_succeeded(48)
    cluster.check(48)
    assert cluster.epoch() == 3
    assert cluster.status(third)["leader"].endswith(f"[{third.program.popen.pid}]")
    assert all(agent.popen.poll() is None for agent in agents)
    messages = [
        row[0] for row in cluster.rows("SELECT message FROM command_event WHERE kind = 'leader.changed'")
    ]
    assert len(messages) == 3
    assert "gave no sign of life for 2 s" in messages[1]


def test_a_leader_that_was_frozen_beyond_its_lease_changes_nothing(cluster: Cluster) -> None:
    chain, accounts = layers(4, 12)
    declare(cluster.definitions, chain, accounts)
    first = cluster.leader()
    agent = cluster.agent("one", avoiding=first)  # one of a frozen server finds that out after half a minute
    seen(lambda: executions(cluster.home).total() >= 8)
    serving = next(each for each in cluster.replicas if f"[{each.program.popen.pid}]" in agent.said)
    serving.program.kill()  # a follower: its agent goes to another one, with its runs
    seen(lambda: agent.said.count("connected") == 2)
    with frozen(first.program):
        second = cluster.another_leads(first)
        seen(lambda: executions(cluster.home).total() >= 24)
    follows = seen(lambda: cluster.status(first), lambda status: status.get("leads") is False)
    assert follows["leader"].endswith(f"[{second.program.popen.pid}]")
    assert cluster.leader() is second

    epoch = cluster.epoch()
    cluster.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )  # everybody's sessions, the leader's among them
    cluster.until_succeeded(48)
    cluster.check(48)
    assert cluster.epoch() - epoch <= 1
    assert [each.program.popen.poll() for each in cluster.replicas if each is not serving] == [None] * 2


@contextmanager
def frozen(program: Program) -> Iterator[None]:
    program.popen.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        program.popen.send_signal(signal.SIGCONT)
