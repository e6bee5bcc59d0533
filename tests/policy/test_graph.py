from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conductor_server.model.definition import Definition, Matrix, Place, Read
from conductor_server.model.errors import CycleError, DefinitionErrors, InvalidRequestError, NotFoundError
from conductor_server.model.states import Frequency, MemberRule, StartPolicy, WindowRule
from conductor_server.policy.graph import build
from conductor_server.policy.matrix import tree
from conductor_server.policy.selection import select


def work(name: str, reads: Sequence[str | Read] = (), writes: Sequence[str] = (), **rest: Any) -> Definition:
    return Definition(
        name=name,
        source="shell",
        reads_from=tuple(read if isinstance(read, Read) else Read(table=read) for read in reads),
        writes_to=tuple(writes),
        **rest,
    )


def at(line: int) -> Place:
    return Place(origin="night.yaml", line=line, column=5)


def test_readers_are_children_of_writers() -> None:
    graph = build(
        [
            work("report", ["agg", "rates"]),
            work("aggregate", ["raw"], ["agg"], matrix="account"),
            work("load", writes=["raw"], matrix="keyword"),
        ]
    )
    assert graph.order == ("load", "aggregate", "report")
    assert [
        (each.parent, each.child, each.tables, each.members, each.common) for each in graph.dependencies
    ] == [
        ("load", "aggregate", ("raw",), MemberRule.DESCENDANTS, "account"),
        ("aggregate", "report", ("agg",), MemberRule.DESCENDANTS, "default"),
    ]
    assert graph.external_tables == ("rates",)
    assert graph.warnings == ()


def test_order_follows_names_not_files() -> None:
    definitions = [work(name) for name in "cab"]
    assert build(definitions).order == build(definitions[::-1]).order == ("a", "b", "c")


@pytest.mark.parametrize(
    ("parent", "child", "rule"),
    [
        pytest.param({"frequency": Frequency.HOURLY}, {}, WindowRule.OVERLAP, id="finer"),
        pytest.param({}, {}, WindowRule.CLOSED, id="same"),
        pytest.param({"frequency": Frequency.WEEKLY}, {}, WindowRule.CLOSED, id="coarser"),
        pytest.param(
            {"frequency": Frequency.CRON, "cron": "*/5 * * * *"}, {}, WindowRule.OVERLAP, id="finer-cron"
        ),
        pytest.param(
            {"frequency": Frequency.CRON, "cron": "0 4 * * *"}, {}, WindowRule.CLOSED, id="daily-cron"
        ),
        pytest.param({"frequency": Frequency.ONE_OFF}, {}, WindowRule.CLOSED, id="one-off-parent"),
        pytest.param({}, {"frequency": Frequency.ONE_OFF}, WindowRule.CLOSED, id="one-off-child"),
    ],
)
def test_window_rules_follow_from_frequencies(
    parent: dict[str, Any], child: dict[str, Any], rule: WindowRule
) -> None:
    graph = build([work("parent", writes=["t"], **parent), work("child", ["t"], **child)])
    assert [each.window for each in graph.dependencies] == [rule]


def test_of_several_tables_the_most_demanding_rule_counts() -> None:
    reads = [Read(table="a", window=WindowRule.PREVIOUS), Read(table="b", window=WindowRule.NONE)]
    parent = work("parent", writes=["a", "b", "c"])
    (dependency,) = build([parent, work("child", reads)]).dependencies
    assert (dependency.tables, dependency.window) == (("a", "b"), WindowRule.PREVIOUS)
    (dependency,) = build([parent, work("child", [*reads, "c"])]).dependencies
    assert (dependency.tables, dependency.window) == (("a", "b", "c"), WindowRule.CLOSED)


@pytest.mark.parametrize(
    ("window", "rules"),
    [
        pytest.param(WindowRule.AUTO, {"self": WindowRule.CLOSED}, id="in-order"),
        pytest.param(WindowRule.PREVIOUS, {"self": WindowRule.PREVIOUS}, id="needs-the-one-before"),
        pytest.param(WindowRule.NONE, {}, id="none"),
    ],
)
def test_reading_ones_own_table_is_no_cycle(window: WindowRule, rules: dict[str, WindowRule]) -> None:
    graph = build([work("self", [Read(table="t", window=window)], ["t"])])
    assert graph.self_rules == rules
    assert graph.dependencies == ()


def test_two_writers_of_a_table_are_a_warning_and_both_parents() -> None:
    graph = build([work("a", writes=["t"]), work("b", writes=["t"], place=at(7)), work("c", ["t"])])
    assert [each.parent for each in graph.dependencies] == ["a", "b"]
    (warning,) = graph.warnings
    assert warning.message == "the table t is written by a, b: its readers wait for all of them"
    assert warning.place == at(7)


def test_every_cycle_is_named_in_full_at_once() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        build(
            [
                work("x", ["tz"], ["tx", "tx2"], place=at(20)),
                work("y", ["tx", "tx2"], ["ty"], place=at(10)),
                work("z", ["ty"], ["tz"], place=at(30)),
                work("p", ["tq"], ["tp"], place=at(40)),
                work("q", ["tp", "tz"], ["tq"], place=at(50)),
            ]
        )
    assert all(isinstance(error, CycleError) for error in caught.value.errors)
    remedy = "remove one of these reads, or write it as {table: …, window: none} if it need not be fresh"
    assert str(caught.value) == (
        "night.yaml:10:5: 3 definitions wait for one another: "
        "y writes ty for z; z writes tz for x; x writes tx, tx2 for y\n"
        f"    remedy: {remedy}\n"
        "night.yaml:40:5: 2 definitions wait for one another: p writes tp for q; q writes tq for p\n"
        f"    remedy: {remedy}"
    )


def test_a_read_that_need_not_be_fresh_closes_no_cycle() -> None:
    graph = build([work("a", [Read(table="b", window=WindowRule.NONE)], ["a"]), work("b", ["a"], ["b"])])
    assert graph.order == ("a", "b")
    assert [(each.parent, each.child) for each in graph.loose] == [("b", "a")]


def test_a_set_with_several_faults_tells_them_all() -> None:
    with pytest.raises(DefinitionErrors) as caught:
        build(
            [
                work("a", place=at(1)),
                work("a", place=at(2)),
                work("b", matrix="shop", place=at(3)),
                work("c", start_policy=StartPolicy.AFTER_FAILURE, place=at(4)),
            ]
        )
    assert [error.message for error in caught.value.errors] == [
        "the definition a is declared twice, first at night.yaml:1:5",
        "the matrix shop of b does not exist",
        "c starts after_failure, but reads no table of another",
    ]


def test_declared_matrices_are_known() -> None:
    graph = build([work("b", matrix="shop")], tree([Matrix(name="shop")]))
    assert graph.definitions["b"].matrix == "shop"


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    chain = [work("d0", writes=["t0"])]
    chain += [work(f"d{step}", [f"t{step - 1}"], [f"t{step}"]) for step in range(1, 10_000)]
    graph = build(chain)
    assert len(graph.dependencies) == 9_999
    assert select(graph, "+d9999") == graph.order
    circle = [work("d0", ["t9999"], ["t0"]), *chain[1:]]
    with pytest.raises(DefinitionErrors, match=r"10000 definitions wait for one another.*… 9980 more …"):
        build(circle)


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 30)), max_size=30))
def test_parents_come_first_and_every_link_is_kept(reads: list[set[int]]) -> None:
    wanted = {(parent, child) for child, tables in enumerate(reads) for parent in tables if parent < child}
    graph = build(
        [
            work(f"d{child}", [f"t{parent}" for parent in sorted(tables) if parent < child], [f"t{child}"])
            for child, tables in enumerate(reads)
        ]
    )
    rank = {name: position for position, name in enumerate(graph.order)}
    assert {(each.parent, each.child) for each in graph.dependencies} == {
        (f"d{p}", f"d{c}") for p, c in wanted
    }
    assert all(rank[each.parent] < rank[each.child] for each in graph.dependencies)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        pytest.param("c", "c", id="name"),
        pytest.param("+c", "abc", id="ancestors"),
        pytest.param("c+", "cdex", id="descendants"),
        pytest.param("1+c", "bc", id="parents"),
        pytest.param("c+1", "cdx", id="children"),
        pytest.param("+c+1", "abcdx", id="both"),
        pytest.param("a, e", "ae", id="comma"),
        pytest.param("a e,x", "aex", id="union"),
        pytest.param("*", "abcdex", id="glob"),
        pytest.param("[ab]", None, id="no-sets"),
        pytest.param("0+c", "c", id="zero-steps"),
    ],
)
def test_selection(expression: str, names: str | None) -> None:
    reads = {"a": "", "b": "a", "c": "b", "d": "c", "e": "d", "x": "c"}
    graph = build([work(name, [table] if table else [], [name]) for name, table in reads.items()])
    if names is None:
        with pytest.raises(InvalidRequestError, match="selects nothing; write name"):
            select(graph, expression)
    else:
        assert select(graph, expression) == tuple(names)


def test_selecting_an_unknown_name_offers_the_close_ones() -> None:
    with pytest.raises(
        NotFoundError, match=r"there is no definition `updat_sales`; did you mean update_sales\?"
    ):
        select(build([work("update_sales"), work("x")]), "+updat_sales")
