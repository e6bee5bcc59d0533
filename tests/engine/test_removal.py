"""What its source no longer lists goes, with its slots and runs; unless it is so much that a person must agree."""

from __future__ import annotations

import pytest

from conductor_server.model.definition import Definition, Matrix
from conductor_server.model.errors import ConflictError, NotFoundError
from conductor_server.model.states import Disposition, SlotState, Verdict
from conductor_server.store import schema
from tests.support.build import HOUR, account, definition, members
from tests.support.world import World

FIVE = [definition(f"job{number}") for number in range(5)]
ACCOUNTS = [account(f"a{number}") for number in range(5)]


def names(world: World) -> set[str]:
    query = schema.definition.select()
    return {row.name for row in world.read(lambda db: db.execute(query).all())}


def test_a_fifth_goes_without_asking(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()

    world.declare(*FIVE[1:])
    world.tick()

    assert names(world) == {"job1", "job2", "job3", "job4"}
    assert world.events("definition.removed") == ["definition job0 removed, as files says"]
    assert not any(slot.startswith("job0@") for slot in world.states())


@pytest.mark.parametrize(
    ("left", "message"),
    [
        pytest.param(
            FIVE[2:], "files no longer lists 2 of 5 of its definitions (job0, job1)", id="more-than-a-fifth"
        ),
        pytest.param([], "files lists none any more of its definitions", id="suddenly-empty"),
    ],
)
def test_more_than_that_waits_for_consent(world: World, left: list[Definition], message: str) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()

    world.declare(*left)
    problems = world.tick().problems

    assert len(problems) == 1
    assert message in problems[0]
    assert "conductor-cli definitions confirm-removal 'definitions of files'" in problems[0]
    assert len(names(world)) == 5
    assert len(world.events("removal.held_back")) == 1


def test_with_consent_it_goes(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()
    world.declare(*FIVE[3:])
    world.tick()

    world.consent("definitions of files", count=3)
    world.tick()

    assert names(world) == {"job3", "job4"}


def test_consent_is_for_exactly_what_was_shown(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()
    world.declare(*FIVE[2:])
    world.tick()
    world.consent("definitions of files", count=2)

    world.declare(FIVE[0], *FIVE[3:])
    world.tick()

    assert len(names(world)) == 5


def test_consent_to_what_nobody_asked_or_to_another_number(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()
    with pytest.raises(NotFoundError, match="no removal waits for consent under"):
        world.consent("definitions of files", count=5)

    world.declare()
    world.tick()
    with pytest.raises(ConflictError, match="5 removals wait under 'definitions of files', not 4"):
        world.consent("definitions of files", count=4)


def test_what_comes_back_is_no_longer_asked_about(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()
    world.declare()
    world.tick()

    world.declare(*FIVE)

    assert world.tick().problems == ()
    assert world.count(schema.confirmation) == 0


def test_what_is_new_is_applied_while_a_removal_waits(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.tick()

    world.declare(definition("new"))
    world.tick()

    assert len(names(world)) == 6


def test_accounts_are_guarded_alike(world: World) -> None:
    world.declare(definition("job"), accounts=ACCOUNTS)
    world.tick()

    world.set_accounts()
    problems = world.tick().problems

    assert "files lists none any more of its accounts" in problems[0]
    assert len({slot.partition("/")[0] for slot in world.states()}) == 5
    world.consent("accounts of files", count=5)
    world.tick()
    assert world.states() == {}


def test_members_of_a_declared_matrix_are_guarded_alike(world: World) -> None:
    """A list of keywords that is suddenly empty is a broken export, not a wish."""
    keywords = Matrix(name="keyword", parent="account", members=members("acme", "shoes", "hats"))
    world.declare(definition("bid", matrix="keyword"), accounts=[account()], matrices=[keywords])
    world.tick()

    world.declare(definition("bid", matrix="keyword"), matrices=[Matrix(name="keyword", parent="account")])
    problems = world.tick().problems

    assert "files lists none any more of its keyword members (acme:hats, acme:shoes)" in problems[0]
    assert len(world.states()) == 4
    world.consent("keyword members of files", count=2)
    world.tick()
    assert world.states() == {}


def test_a_source_removes_only_its_own(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.declare(definition("other"), source="sql", accounts=[account("bolt")])
    world.tick()

    world.declare(*FIVE[1:])
    world.tick()

    assert "other" in names(world)


def test_an_account_of_two_sources_stays_with_the_first(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()
    world.declare(source="sql", accounts=[account()])

    assert "account acme is there already, from another source" in world.tick().problems[0]


# ------------------------------------------------------------------------------------------------ running runs


@pytest.mark.parametrize("what", ["definition", "account"])
def test_a_running_run_goes_along_and_its_agent_is_told(world: World, what: str) -> None:
    world.declare(*FIVE, accounts=ACCOUNTS)
    world.tick()
    world.tick(after=36 * HOUR)
    held = world.claim()
    doomed = held["job0@a0/2026-11-21"]

    if what == "definition":
        world.declare(*FIVE[1:])
    else:
        world.set_accounts(*ACCOUNTS[1:])
    world.tick()

    assert world.beat(doomed, held["job1@a1/2026-11-21"]) == [Verdict.FORGET, Verdict.CONTINUE]
    assert world.finish(doomed).disposition is Disposition.REMOVED
    assert world.finish(held["job1@a1/2026-11-21"]).disposition is Disposition.APPLIED


def test_nothing_is_left_of_what_was_removed(world: World) -> None:
    world.declare(*FIVE, accounts=ACCOUNTS)
    world.run_all()
    world.declare(accounts=[])
    world.tick()
    world.consent("accounts of files", count=5)
    world.consent("definitions of files", count=5)
    world.tick()

    for table in (schema.definition, schema.slot, schema.run, schema.definition_calendar, schema.dependency):
        assert world.count(table) == 0
    assert world.count(schema.member) == 1  # the one of `default`


def test_what_comes_again_begins_anew(world: World) -> None:
    world.declare(*FIVE, accounts=[account()])
    world.run_all()
    world.declare(*FIVE[1:])
    world.tick()

    world.declare(*FIVE)
    world.tick(after=36 * HOUR)

    assert world.due_states("job0") == {} or set(world.due_states("job0").values()) == {SlotState.ACTIVE}


# ------------------------------------------------------------------------------------------------ what is wrong


def test_nothing_of_a_set_that_does_not_fit_is_applied(world: World) -> None:
    world.declare(definition("job"), accounts=[account()])
    world.tick()

    world.declare(definition("job"), definition("new"), source="sql")
    problems = world.tick().problems

    assert "nothing of sql was applied: " in problems[0]
    assert "the definition job is declared twice" in problems[0]
    assert names(world) == {"job"}
