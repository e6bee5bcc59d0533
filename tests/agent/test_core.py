"""The core's rules as tables, and its whole life as a state machine."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from conductor_agent.core import Core, Forget, Start, Stop
from conductor_agent.model import (
    Beat,
    Completion,
    Ending,
    Judgement,
    Lease,
    Outcome,
    Progress,
    Run,
    Verdict,
)
from tests.agent.runs import a_run


def a_core(*runs: Run, limit: int = 5) -> Core:
    core = Core(limits={"shell": limit})
    core.claimed(runs)
    return core


def the_end(lease: Lease, outcome: Outcome = Outcome.SUCCEEDED) -> Completion:
    return Completion(lease=lease, completion_id=f"end of {lease}", ending=Ending(outcome=outcome))


def test_a_claimed_run_is_started_once_however_often_it_is_pushed() -> None:
    run = a_run()
    core = a_core()

    assert core.claimed([run, run]) == [Start(run=run)]
    assert core.claimed([run]) == []
    assert core.demand().received == 3
    assert core.demand().free == {"shell": 4}


def test_a_newer_epoch_stops_the_older_one() -> None:
    old = a_run()
    newer = a_run(lease=Lease(run_id=old.lease.run_id, epoch=2))
    core = a_core(old)

    assert core.claimed([newer]) == [
        Stop(
            lease=old.lease,
            outcome=Outcome.CANCELLED,
            reason=f"granted again as {newer.lease}",
        ),
        Start(run=newer),
    ]
    assert core.claimed([old]) == [], "an older epoch than one that is held is stale"


def test_the_count_of_received_runs_belongs_to_its_stream() -> None:
    core = a_core(a_run(), a_run())
    core.claim_stream_opened()
    core.claimed([a_run()])
    assert core.demand().received == 1


def test_an_ended_run_makes_room_before_its_report_is_answered() -> None:
    run = a_run()
    core = a_core(run, limit=1)
    assert core.demand().free == {"shell": 0}
    core.ended(the_end(run.lease))
    assert core.demand().free == {"shell": 1}
    assert core.leases() == (run.lease,), "it is held until the report is answered"


def test_a_draining_agent_takes_nothing() -> None:
    core = a_core()
    core.drain()
    assert core.demand().free == {"shell": 0}


@pytest.mark.parametrize(
    ("verdict", "stopped"),
    [
        pytest.param(Verdict.CONTINUE, False, id="continue"),
        pytest.param(Verdict.CANCEL, True, id="cancel"),
        pytest.param(Verdict.LEASE_LOST, True, id="lease-lost"),
        pytest.param(Verdict.FORGET, True, id="forget"),
    ],
)
def test_verdicts_on_a_running_run(verdict: Verdict, *, stopped: bool) -> None:
    run = a_run()
    core = a_core(run)
    judgement = Judgement(lease=run.lease, verdict=verdict, reason="because")

    effects = core.judged([judgement])

    wanted = [Stop(lease=run.lease, outcome=Outcome.CANCELLED, reason="because")] if stopped else []
    assert effects == wanted
    assert core.judged([judgement]) == [], "a repeated verdict changes nothing"


@pytest.mark.parametrize(
    ("verdict", "forgotten"),
    [
        pytest.param(Verdict.CONTINUE, False, id="continue"),
        pytest.param(Verdict.CANCEL, False, id="cancel"),
        pytest.param(Verdict.LEASE_LOST, False, id="lease-lost"),
        pytest.param(Verdict.FORGET, True, id="forget"),
    ],
)
def test_verdicts_on_a_run_that_has_ended(verdict: Verdict, *, forgotten: bool) -> None:
    run = a_run()
    core = a_core(run)
    core.ended(the_end(run.lease))

    effects = core.judged([Judgement(lease=run.lease, verdict=verdict)])

    assert effects == ([Forget(lease=run.lease)] if forgotten else [])
    assert bool(core.reports()) is not forgotten, "its own report stands"


def test_a_forgotten_run_reports_to_nobody() -> None:
    run = a_run()
    core = a_core(run)
    core.judged([Judgement(lease=run.lease, verdict=Verdict.FORGET)])
    assert core.ended(the_end(run.lease, Outcome.CANCELLED)) == [Forget(lease=run.lease)]
    assert core.reports() == []
    assert core.idle


def test_a_verdict_on_a_run_that_is_not_held_is_nothing() -> None:
    assert a_core().judged([Judgement(lease=Lease(run_id=7, epoch=1), verdict=Verdict.CANCEL)]) == []


def test_reports_are_sent_once_a_session() -> None:
    run = a_run()
    core = a_core(run)
    report = the_end(run.lease)
    core.ended(report)

    assert core.reports() == [report]
    assert core.reports() == []
    core.session_opened()
    assert core.reports() == [report]
    assert core.answered([report.completion_id]) == [run.lease]
    core.session_opened()
    assert core.reports() == []


def test_what_a_restored_store_has_forgotten_is_repeated_until_it_is_answered() -> None:
    core = a_core()
    report = the_end(a_run().lease)
    core.repeat([report])

    assert core.reports() == [report]
    assert core.reports() == []
    core.session_opened()
    assert core.reports() == [report]
    assert core.beats() == [], "it is not held"
    assert (core.repeating, core.idle) == (True, False)
    assert core.answered([report.completion_id]) == []
    assert (core.repeating, core.idle) == (False, True)
    core.session_opened()
    assert core.reports() == []


def test_heartbeats_tell_what_has_changed_in_this_session() -> None:
    run = a_run()
    core = a_core(run)
    half = Progress(fraction=0.5, message="half")

    core.progressed(run.lease, half, b"row 7")
    assert core.beats() == [Beat(lease=run.lease, progress=half, checkpoint=b"row 7")]
    core.progressed(run.lease, half, b"row 7")
    assert core.beats() == [Beat(lease=run.lease)]
    core.session_opened()
    assert core.beats() == [Beat(lease=run.lease, progress=half, checkpoint=b"row 7")]


def test_a_release_spares_what_is_being_cancelled() -> None:
    cancelled, running = a_run(), a_run()
    core = a_core(cancelled, running)
    core.judged([Judgement(lease=cancelled.lease, verdict=Verdict.CANCEL)])
    assert core.release("stopping") == [
        Stop(lease=running.lease, outcome=Outcome.RELEASED, reason="stopping")
    ]


class AgentsLife(RuleBasedStateMachine):
    """Runs come, are judged, end and are answered in any order, over sessions that break at any time."""

    runs: Bundle[Lease] = Bundle("runs")
    ended: Bundle[Lease] = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self.core = Core(limits={"shell": 3})
        self.running: set[Lease] = set()
        self.stopped: set[Lease] = set()
        self.forgotten: set[Lease] = set()
        self.unanswered: set[Lease] = set()
        self.sent: set[Lease] = set()
        self.answered: set[Lease] = set()

    @rule(target=runs, count=st.integers(min_value=1, max_value=3))
    def claim(self, count: int) -> object:
        runs = [a_run() for _ in range(count)]
        room = max(0, 3 - len(self.running))
        started = [effect.run.lease for effect in self.core.claimed(runs) if isinstance(effect, Start)]
        assert started == [run.lease for run in runs[:room]], "no more than there is room for"
        self.running.update(started)
        return multiple(*started)

    @rule(lease=runs, verdict=st.sampled_from(Verdict))
    def judge(self, lease: Lease, verdict: Verdict) -> None:
        for effect in self.core.judged([Judgement(lease=lease, verdict=verdict)]):
            match effect:
                case Stop(lease=lease):
                    assert lease in self.running, "only what runs can be stopped"
                    assert lease not in self.stopped, "and only once"
                    self.stopped.add(lease)
                case Forget(lease=lease):
                    self.unanswered.remove(lease)
                case Start():
                    pytest.fail("a verdict starts nothing")
        if verdict is Verdict.FORGET and lease in self.running:
            self.forgotten.add(lease)

    @rule(lease=consumes(runs), target=ended)
    def end(self, lease: Lease) -> Lease:
        effects = self.core.ended(the_end(lease))
        self.running.remove(lease)
        if lease in self.forgotten:
            assert effects == [Forget(lease=lease)]
        else:
            assert effects == []
            self.unanswered.add(lease)
        return lease

    @rule()
    def send(self) -> None:
        leases = {report.lease for report in self.core.reports()}
        assert leases == self.unanswered - self.sent, "each unanswered report once a session, no other"
        self.sent |= leases

    @rule(lease=ended)
    def answer(self, lease: Lease) -> None:
        released = self.core.answered([the_end(lease).completion_id])
        assert released == ([lease] if lease in self.unanswered else [])
        self.unanswered.discard(lease)
        self.answered.add(lease)

    @rule()
    def reconnect(self) -> None:
        self.core.session_opened()
        self.core.claim_stream_opened()
        self.sent = set()

    @invariant()
    def everything_unanswered_is_held(self) -> None:
        assert set(self.core.leases()) == self.running | self.unanswered
        assert {beat.lease for beat in self.core.beats()} == self.running | self.unanswered

    @invariant()
    def demand_is_what_does_not_run(self) -> None:
        assert self.core.demand().free == {"shell": max(0, 3 - len(self.running))}


TestAgentsLife = AgentsLife.TestCase
TestAgentsLife.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
