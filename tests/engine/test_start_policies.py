"""Start policies over the real steps: what becomes of a child, given what became of its parents."""

from __future__ import annotations

import pytest

from conductor_server.model.definition import Matrix, Retry
from conductor_server.model.states import Frequency, Outcome, SlotState, StartPolicy, WindowRule
from conductor_server.store import schema
from tests.support.build import DAY, HOUR, account, definition, members, reads
from tests.support.world import World

DAY_OF = "@acme/2026-11-21"

ONE_TRY = Retry(attempts=1)
TWO_TRIES = Retry(attempts=2)


def begin(world: World, policy: StartPolicy) -> None:
    """The slots of 21 November are due; those of the parents ``a`` and ``b`` wait to be claimed."""
    parents = [definition(name, retry=TWO_TRIES) for name in ("a", "b")]
    world.declare(
        *parents, definition("child", start_policy=policy, reads_from=reads("a", "b")), accounts=[account()]
    )
    world.tick()
    world.tick(after=36 * HOUR)


def play(world: World, *reports: str) -> None:
    """Reports such as ``a+`` and ``b-``: the next run of a parent succeeds or fails."""
    for report in reports:
        slot = report[:-1] + DAY_OF
        held = world.claim()
        for name, lease in held.items():
            if name == slot:
                world.finish(lease, Outcome.SUCCEEDED if report.endswith("+") else Outcome.FAILED)
            else:
                world.finish(lease, Outcome.RELEASED)
        assert slot in held, f"{slot} was not there to be claimed among {list(held)}"
        world.tick(after=11 * world.settings.retries.delay / 10)


SUCCESS = StartPolicy.AFTER_SUCCESS
RERUNS = StartPolicy.AFTER_SUCCESS_AND_RERUNS
FAILURE = StartPolicy.AFTER_FAILURE
FIRST_SUCCESS = StartPolicy.AFTER_FIRST_SUCCESS
FIRST_FAILURE = StartPolicy.AFTER_FIRST_FAILURE

STARTED, SKIPPED, WAITING = SlotState.ACTIVE, SlotState.SKIPPED, SlotState.OPEN


@pytest.mark.parametrize(
    ("policy", "reports", "expected"),
    [
        pytest.param(SUCCESS, "a+", WAITING, id="success-half"),
        pytest.param(SUCCESS, "a+ b+", STARTED, id="success-all"),
        pytest.param(SUCCESS, "a+ b- b-", WAITING, id="success-a-parent-failed"),
        pytest.param(SUCCESS, "a+ b- b+", STARTED, id="success-after-a-retry"),
        pytest.param(RERUNS, "a+ b+", STARTED, id="reruns-all"),
        pytest.param(FAILURE, "a- a-", WAITING, id="failure-half"),
        pytest.param(FAILURE, "a- a- b- b-", STARTED, id="failure-all-for-good"),
        pytest.param(FAILURE, "a-", WAITING, id="failure-a-retry-is-due"),
        pytest.param(FAILURE, "a- a- b+", SKIPPED, id="failure-a-parent-succeeded"),
        pytest.param(FIRST_SUCCESS, "a- b+", STARTED, id="first-success"),
        pytest.param(FIRST_SUCCESS, "a- a-", WAITING, id="first-success-none-yet"),
        pytest.param(FIRST_SUCCESS, "a- a- b- b-", SKIPPED, id="first-success-none-left"),
        pytest.param(FIRST_FAILURE, "a+ b-", STARTED, id="first-failure-before-its-retry"),
        pytest.param(FIRST_FAILURE, "a+", WAITING, id="first-failure-none-yet"),
        pytest.param(FIRST_FAILURE, "a+ b+", SKIPPED, id="first-failure-none-left"),
    ],
)
def test_what_becomes_of_a_child(
    world: World, policy: StartPolicy, reports: str, expected: SlotState
) -> None:
    begin(world, policy)

    play(world, *reports.split())

    assert world.state("child" + DAY_OF) is expected


@pytest.mark.parametrize("policy", [FIRST_SUCCESS, FIRST_FAILURE], ids=lambda policy: policy.word)
def test_a_first_report_starts_a_child_only_once(world: World, policy: StartPolicy) -> None:
    begin(world, policy)
    play(world, "a+", "b-")
    world.run_all()
    started = world.runs("child" + DAY_OF)

    world.rerun("a" + DAY_OF)
    world.run_all(failing={"a" + DAY_OF})

    assert world.runs("child" + DAY_OF) == started


def test_a_skip_goes_all_the_way_down(world: World) -> None:
    world.declare(
        definition("a"),
        definition("alarm", start_policy=FAILURE, reads_from=reads("a")),
        definition("page", reads_from=reads("alarm")),
        definition("log", reads_from=reads("page")),
        accounts=[account()],
    )
    world.tick()
    world.tick(after=36 * HOUR)

    world.run_all()

    assert world.due_states() == {
        "a" + DAY_OF: SlotState.SUCCEEDED,
        "alarm" + DAY_OF: SKIPPED,
        "page" + DAY_OF: SKIPPED,
        "log" + DAY_OF: SKIPPED,
    }
    assert world.slot("page" + DAY_OF).reason == "a slot that it needs was skipped"


def test_a_rerun_above_opens_what_was_skipped(world: World) -> None:
    world.declare(
        definition("a", retry=ONE_TRY),
        definition("alarm", start_policy=FAILURE, reads_from=reads("a")),
        definition("page", reads_from=reads("alarm")),
        accounts=[account()],
    )
    world.tick()
    world.tick(after=36 * HOUR)
    world.run_all()

    world.rerun("a" + DAY_OF)
    order = world.run_all(failing={"a" + DAY_OF})

    assert order == ["a" + DAY_OF, "alarm" + DAY_OF, "page" + DAY_OF]


# ------------------------------------------------------------------------------------------------ reruns


def test_reruns_of_parents_are_coalesced(world: World) -> None:
    """However often parents are rerun while a child runs, it runs once more after that."""
    begin(world, RERUNS)
    play(world, "a+", "b+")
    [(child, lease)] = world.claim().items()
    for parent in ("a", "b", "a", "b", "a"):
        world.rerun(parent + DAY_OF)
        world.tick()
        world.finish(world.claim()[parent + DAY_OF])
        world.tick()
    assert len(world.runs(child)) == 1

    world.finish(lease)
    world.run_all()

    assert len(world.runs(child)) == 2
    assert world.tick().changed == {}


def test_reruns_wait_until_all_parents_are_settled(world: World) -> None:
    begin(world, RERUNS)
    play(world, "a+", "b+")
    world.run_all()

    world.rerun("a" + DAY_OF)
    world.rerun("b" + DAY_OF)
    world.tick()
    held = world.claim()
    world.finish(held["a" + DAY_OF])
    world.tick()

    assert world.state("child" + DAY_OF) is SlotState.SUCCEEDED
    world.finish(held["b" + DAY_OF])
    assert world.run_all() == ["child" + DAY_OF]


def test_a_child_that_failed_runs_again_when_its_parents_data_is_new(world: World) -> None:
    world.declare(
        definition("a"),
        definition("child", start_policy=RERUNS, reads_from=reads("a"), retry=ONE_TRY),
        accounts=[account()],
    )
    world.tick()
    world.tick(after=36 * HOUR)
    world.run_all(failing={"child" + DAY_OF})
    assert world.state("child" + DAY_OF) is SlotState.FAILED

    world.rerun("a" + DAY_OF)

    assert world.run_all() == ["a" + DAY_OF, "child" + DAY_OF]


def test_without_the_policy_a_rerun_stays_alone(world: World) -> None:
    begin(world, SUCCESS)
    play(world, "a+", "b+")
    world.run_all()

    world.rerun("a" + DAY_OF)

    assert world.run_all() == ["a" + DAY_OF]


# ------------------------------------------------------------------------------------------------ members and windows


def test_one_accounts_failure_blocks_its_own_chain_and_the_barrier_only(world: World) -> None:
    world.declare(
        definition("load", retry=ONE_TRY),
        definition("model", reads_from=reads("load")),
        definition("total", matrix="default", reads_from=reads("model")),
        accounts=[account("acme"), account("bolt")],
    )
    world.tick()
    world.tick(after=36 * HOUR)

    world.run_all(failing={"load@acme/2026-11-21"})

    assert world.due_states() == {
        "load@acme/2026-11-21": SlotState.FAILED,
        "load@bolt/2026-11-21": SlotState.SUCCEEDED,
        "model@acme/2026-11-21": SlotState.OPEN,
        "model@bolt/2026-11-21": SlotState.SUCCEEDED,
        "total/2026-11-21": SlotState.OPEN,
    }
    world.rerun("load@acme/2026-11-21")
    assert world.run_all()[-1] == "total/2026-11-21"


def test_a_global_day_waits_for_the_last_day_that_has_closed_in_each_zone(world: World) -> None:
    world.declare(
        definition("load"),
        definition("total", matrix="default", reads_from=reads("load")),
        accounts=[account("east", timezone="Asia/Tokyo"), account("west", timezone="America/New_York")],
    )
    world.tick()
    world.tick(after=3 * DAY)

    assert world.needs("total/2026-11-22") == ["load@west/2026-11-21", "load@east/2026-11-22"]


@pytest.mark.parametrize(
    ("parent", "child", "needed"),
    [
        pytest.param("account", "keyword", ["p@acme"], id="ancestor"),
        pytest.param("default", "keyword", ["p"], id="root"),
        pytest.param("keyword", "keyword", ["p@acme:hats"], id="same"),
        pytest.param("keyword", "account", ["p@acme:hats", "p@acme:shoes"], id="descendants"),
        pytest.param("keyword", "channel", ["p@acme:hats", "p@acme:shoes"], id="cousins"),
        pytest.param("region", "keyword", ["p@north", "p@south"], id="distant-cousins"),
    ],
)
def test_which_members_of_a_parent_a_child_needs(
    world: World, parent: str, child: str, needed: list[str]
) -> None:
    world.declare(
        definition("p", matrix=parent),
        definition("c", matrix=child, reads_from=reads("p")),
        accounts=[account("acme"), account("bolt")],
        matrices=[
            Matrix(
                name="keyword",
                parent="account",
                members=members("acme", "shoes", "hats") + members("bolt", "nuts"),
            ),
            Matrix(name="channel", parent="account", members=members("acme", "web")),
            Matrix(name="region", members=members("", "north", "south")),
        ],
    )
    world.tick()
    of_acme = {"keyword": "c@acme:hats", "account": "c@acme", "channel": "c@acme:web"}[child]

    names = world.needs(f"{of_acme}/2026-11-21")

    assert [name.removesuffix("/2026-11-21") for name in names] == needed


def test_what_should_exist_and_does_not_blocks(world: World) -> None:
    """A member whose slots were not created yet is missing, not absent."""
    world.declare(
        definition("load"),
        definition("total", matrix="default", reads_from=reads("load")),
        accounts=[account("acme"), account("bolt")],
    )
    world.tick()
    _lose_slot(world, "load@bolt/2026-11-21")
    world.tick(after=36 * HOUR)

    world.run_all()

    assert world.state("total/2026-11-21") is SlotState.OPEN


def test_what_lies_before_a_parents_start_is_not_needed(world: World) -> None:
    world.declare(
        definition("load"),
        definition("report", reads_from=reads("load", window=WindowRule.PREVIOUS)),
        accounts=[account()],
    )
    world.tick()

    assert world.needs("report@acme/2026-11-21") == []
    assert world.needs("report@acme/2026-11-22") == ["load@acme/2026-11-21"]


def test_a_one_off_is_needed_if_it_was_due_by_the_time_a_window_closed(world: World) -> None:
    migration = definition(
        "migrate", frequency=Frequency.ONE_OFF, starts_on=world.now + 30 * HOUR
    )  # 21st, 18:00
    world.declare(migration, definition("load", reads_from=reads("migrate")), accounts=[account()])
    world.tick()
    world.tick(after=3 * DAY)

    assert world.needs("load@acme/2026-11-21") == ["migrate@acme/once"]
    assert world.needs("load@acme/2026-11-22") == ["migrate@acme/once"]


def test_a_one_off_that_comes_later_is_not_needed(world: World) -> None:
    migration = definition(
        "migrate", frequency=Frequency.ONE_OFF, starts_on=world.now + 40 * HOUR
    )  # 22nd, 04:00
    world.declare(migration, definition("load", reads_from=reads("migrate")), accounts=[account()])
    world.tick()

    assert world.needs("load@acme/2026-11-21") == []


def test_an_expression_that_pauses_for_months_is_still_found_by_a_child(world: World) -> None:
    """Its windows close minutes after one another, and then not for a year."""
    parent = definition("feed", frequency=Frequency.CRON, cron="* 0 1 1 *", starts_on=world.now - 400 * DAY)
    world.declare(
        parent, definition("load", reads_from=reads("feed", window=WindowRule.CLOSED)), accounts=[account()]
    )
    world.tick()

    assert world.needs("load@acme/2026-11-21") == ["feed@acme/2026-01-01T00:58"]


# ------------------------------------------------------------------------------------------------ oneself


def test_own_slots_run_in_order_one_at_a_time(world: World) -> None:
    world.declare(
        definition("ledger", reads_from=reads("ledger"), retry=ONE_TRY),
        accounts=[account("acme"), account("bolt")],
    )
    world.tick()
    world.tick(after=3 * DAY)

    first = world.claim()
    assert list(first) == ["ledger@acme/2026-11-21", "ledger@bolt/2026-11-21"]
    world.finish(first["ledger@acme/2026-11-21"], Outcome.FAILED)
    world.tick()

    assert list(world.claim()) == ["ledger@acme/2026-11-22"]  # a failure holds nobody up, unless it is said


def test_the_previous_slot_must_succeed_where_that_is_said(world: World) -> None:
    own = reads("ledger", window=WindowRule.PREVIOUS)
    world.declare(definition("ledger", reads_from=own, retry=ONE_TRY), accounts=[account()])
    world.tick()
    world.tick(after=3 * DAY)

    assert world.run_all(failing={"ledger@acme/2026-11-21"}) == ["ledger@acme/2026-11-21"]
    world.rerun("ledger@acme/2026-11-21")

    assert world.run_all() == ["ledger@acme/2026-11-21", "ledger@acme/2026-11-22"]


def _lose_slot(world: World, name: str) -> None:
    number = world.slot_id(name)
    world.write(lambda db: db.execute(schema.slot.delete().where(schema.slot.c.id == number)))
