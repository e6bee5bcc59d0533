"""Root causes: found through every level, each once, with the way up to it; bounded, and without recursion."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from conductor_server.model.states import SlotState, StartPolicy
from conductor_server.policy.explain import CAUSES_MAX, LEVEL_MAX, Explanation, Need, explain

OPEN, ACTIVE, FAILED = SlotState.OPEN, SlotState.ACTIVE, SlotState.FAILED
States = Mapping[str, SlotState | None]


def explained(
    waits_for: Mapping[str, Sequence[str]],
    states: States,
    *,
    policy: StartPolicy = StartPolicy.AFTER_SUCCESS,
) -> Explanation:
    """Explains the slot ``x``; slots that have no state are open."""
    ids: dict[str, int] = {"x": 1}
    for name in [*waits_for, *(parent for parents in waits_for.values() for parent in parents)]:
        ids.setdefault(name, len(ids) + 1)
    names = {number: name for name, number in ids.items()}

    def unmet(children: Collection[int]) -> list[Need]:
        return [
            Need(
                child=child,
                policy=policy,
                id=None if name in states and states[name] is None else ids[name],
                name=name,
                definition=name.partition("@")[0],
                state=states.get(name, OPEN),
            )
            for child in children
            for name in waits_for.get(names[child], ())
        ]

    return explain(1, unmet)


@pytest.mark.parametrize(
    ("waits_for", "states", "expected"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({"x": "a"}, {"a": FAILED}, [("a", "parent_failed", ())], id="a-failed-parent"),
        pytest.param({"x": "a"}, {"a": None}, [("a", "parent_missing", ())], id="a-missing-parent"),
        pytest.param(
            {"x": "a", "a": "b", "b": "c"}, {"c": FAILED}, [("c", "parent_failed", ("a", "b"))], id="far-up"
        ),
        pytest.param(
            {"x": "ab", "a": "c", "b": "c"},
            {"c": FAILED},
            [("c", "parent_failed", ("a",))],
            id="diamond-once",
        ),
        pytest.param(
            {"x": "a", "a": "b"},
            {"a": FAILED, "b": FAILED},
            [("a", "parent_failed", ())],
            id="nothing-above-a-failed-one",
        ),
        pytest.param({"x": "a"}, {"a": ACTIVE}, [("a", "parent_active", ())], id="on-its-way"),
        pytest.param({"x": "a"}, {}, [("a", "parent_open", ())], id="ready-itself"),
        pytest.param(
            {"x": "ab", "a": "c"},
            {"b": ACTIVE, "c": SlotState.QUARANTINED},
            [("c", "parent_quarantined", ("a",)), ("b", "parent_active", ())],
            id="final-causes-first",
        ),
    ],
)
def test_causes(
    waits_for: Mapping[str, str], states: States, expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    found = explained(waits_for, states)
    assert [(cause.need.name, cause.code, cause.chain) for cause in found.causes] == expected
    assert found.omitted == ""


def test_a_failed_parent_is_no_obstacle_to_one_that_runs_after_failures() -> None:
    found = explained({"x": "ab"}, {"a": FAILED, "b": None}, policy=StartPolicy.AFTER_FAILURE)
    assert [(cause.need.name, cause.final) for cause in found.causes] == [("b", True), ("a", False)]


def test_beyond_the_bound_causes_are_counted() -> None:
    parents = [f"load@{number}" for number in range(1000)]
    found = explained({"x": [*parents, "rates@all"]}, dict.fromkeys(parents, FAILED) | {"rates@all": None})

    assert len(found.causes) == CAUSES_MAX
    assert found.omitted == (
        "981 of 1001 causes are not listed: 980 × load has failed, 1 × rates does not exist"
    )


def test_a_deep_chain_needs_no_recursion() -> None:
    waits_for = {"x": ["0"]} | {str(number): [str(number + 1)] for number in range(5000)}
    [cause] = explained(waits_for, {"5000": FAILED}).causes
    assert (cause.need.name, len(cause.chain)) == ("5000", 5000)


def test_a_wide_level_is_followed_only_so_far() -> None:
    wide = [str(number) for number in range(LEVEL_MAX + 1)]
    waits_for = {"x": wide} | {name: ["root"] if name == wide[-1] else [f"{name}-up"] for name in wide}
    found = explained(waits_for, {"root": FAILED} | {f"{name}-up": ACTIVE for name in wide})
    assert not any(cause.final for cause in found.causes)
    assert found.omitted.startswith(f"{LEVEL_MAX - CAUSES_MAX} of {LEVEL_MAX} causes")
