"""Who may lead when, by the monotonic clocks of servers that know of each other by their row alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_server.policy.leadership import Leader, Leadership, Terms

TERMS = Terms(lease_s=15, renew_s=3)
VACANT = Leader(holder="", server="", epoch=0, renewals=0)
OTHER = Leader(holder="b", server="two", epoch=4, renewals=7)


@pytest.mark.parametrize(
    ("rows", "at", "may"),
    [
        pytest.param([], 100.0, False, id="nothing seen yet"),
        pytest.param([(0, VACANT)], 0.0, True, id="vacant"),
        pytest.param([(0, OTHER)], 0.0, False, id="seen just now, however long its leader is dead"),
        pytest.param([(0, OTHER)], 14.9, False, id="within the lease"),
        pytest.param([(0, OTHER)], 15.0, True, id="unchanged for a lease"),
        pytest.param([(0, OTHER), (14, OTHER)], 15.0, True, id="looked at again, unchanged"),
        pytest.param([(0, OTHER), (14, replace(OTHER, renewals=8))], 28.9, False, id="renewed"),
        pytest.param(
            [(0, OTHER), (14, replace(OTHER, epoch=5, renewals=7))], 28.9, False, id="taken by a third"
        ),
        pytest.param([(0, OTHER), (2, replace(OTHER, holder=""))], 2.0, True, id="given up"),
    ],
)
def test_when_the_lead_may_be_taken(rows: list[tuple[float, Leader]], at: float, may: bool) -> None:
    leadership = Leadership(TERMS)
    for seen_at, row in rows:
        leadership.saw(row, at=seen_at)
    assert leadership.may_take(at=at) is may


def test_a_leader_trusts_a_renewal_for_less_than_the_others_do() -> None:
    leadership = Leadership(TERMS)
    leadership.won(3, asked_at=100)
    assert [leadership.epoch(at=at) for at in (100, 109.9, 110, 115)] == [3, 3, None, None]
    leadership.renewed(asked_at=112)
    assert leadership.epoch(at=121) == 3, "late, but nobody had taken it"


def test_what_is_lost_stays_lost_and_is_watched_anew() -> None:
    leadership = Leadership(TERMS)
    leadership.won(3, asked_at=0)
    leadership.lost(2)
    assert leadership.held == 3, "word of an epoch that is over"
    leadership.lost(3)
    assert (leadership.held, leadership.epoch(at=1)) == (None, None)
    leadership.saw(OTHER, at=50)
    assert not leadership.may_take(at=51)


def test_the_only_server_waits_for_nobody_and_needs_no_renewals() -> None:
    leadership = Leadership(Terms(sole=True))
    leadership.saw(OTHER, at=0)
    assert leadership.may_take(at=0), "its holder is dead: the file is ours"
    leadership.won(5, asked_at=0)
    assert leadership.epoch(at=1e12) == 5


@dataclass
class Row:
    """What ``store/leadership`` keeps, and every epoch that was ever given out."""

    leader: Leader = VACANT
    given: list[int] = field(default_factory=list)

    def take(self, seen: Leader, holder: str) -> int | None:
        if (self.leader.epoch, self.leader.renewals) != (seen.epoch, seen.renewals):
            return None
        self.leader = Leader(holder=holder, server=holder, epoch=seen.epoch + 1, renewals=0)
        self.given.append(self.leader.epoch)
        return self.leader.epoch

    def renew(self, holder: str, epoch: int) -> bool:
        if (self.leader.holder, self.leader.epoch) != (holder, epoch):
            return False
        self.leader = replace(self.leader, renewals=self.leader.renewals + 1)
        return True


@dataclass
class Server:
    """Takes its turns when it is let; its clock began anywhere and runs a little fast or slow."""

    name: str
    began: float
    rate: float
    leadership: Leadership = field(default_factory=lambda: Leadership(TERMS))

    def clock(self, now: float) -> float:
        return self.began + now * self.rate

    def epoch(self, now: float) -> int | None:
        return self.leadership.epoch(at=self.clock(now))

    def turn(self, row: Row, now: float) -> None:
        at, held = self.clock(now), self.leadership.held
        if held is not None:
            if row.renew(self.name, held):
                self.leadership.renewed(asked_at=at)
            else:
                self.leadership.lost(held)
            return
        self.leadership.saw(row.leader, at=at)
        if self.leadership.may_take(at=at) and (epoch := row.take(row.leader, self.name)) is not None:
            self.leadership.won(epoch, asked_at=at)


@settings(max_examples=100, deadline=None)
@given(
    clocks=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.95, 1.05)), min_size=2, max_size=4),
    turns=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 12)), max_size=120),
)
def test_two_never_believe_that_they_lead(
    clocks: list[tuple[float, float]], turns: list[tuple[int, float]]
) -> None:
    """However long each of them is frozen in between: nobody's clock is compared with another's."""
    row, now = Row(), 0.0
    servers = [Server(name=f"s{n}", began=began, rate=rate) for n, (began, rate) in enumerate(clocks)]
    for number, pause in turns:
        now += pause
        servers[number % len(servers)].turn(row, now)
        leading = [server.epoch(now) for server in servers if server.epoch(now) is not None]
        assert leading in ([], [row.leader.epoch])
    assert row.given == sorted(set(row.given)), "no epoch is given out twice"

    for server in servers:  # and when all are awake again, somebody leads
        for _ in range(3):
            now += 6
            server.turn(row, now)
    for _ in range(4):
        now += 2
        for server in servers:
            server.turn(row, now)
    assert len([server for server in servers if server.epoch(now) is not None]) == 1
