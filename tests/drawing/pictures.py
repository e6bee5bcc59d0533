"""Pictures that the tests draw: a small shop, a hostile one, and graphs of any shape."""

from __future__ import annotations

from hypothesis import strategies as st

from conductor_server.drawing.picture import Edge, Node, Picture, picture_of
from conductor_server.model.states import Condition

ROWS = [
    ("load_orders", "cron", "daily", "account", "", "raw.orders"),
    ("load_rates", "cron", "hourly", "default", "", "raw.rates"),
    ("clean_orders", "stored_procedure", "daily", "account", "raw.orders", "ops.orders"),
    ("update_agg_sales", "stored_procedure", "daily", "account", "ops.orders raw.rates", "agg.sales"),
    ("update_agg_stock", "stored_procedure", "daily", "account", "ops.orders raw.stock", "agg.stock"),
    ("train_model", "ml_command", "weekly", "account", "agg.sales agg.stock", "ml.model"),
    ("forecast", "ml_command", "daily", "account", "ml.model agg.sales", "ml.forecast"),
    (
        "weekly_report_for_everybody_who_has_ever_asked_for_one",
        "python",
        "weekly",
        "default",
        "ml.forecast",
        "",
    ),
    ("rebuild_search_index", "shell", "*/15 * * * *", "keyword", "", ""),
]
SLOTS = {
    "load_orders": {Condition.SUCCEEDED: 40},
    "clean_orders": {Condition.SUCCEEDED: 38, Condition.RUNNING: 2},
    "update_agg_sales": {
        Condition.SUCCEEDED: 30,
        Condition.FAILED: 1,
        Condition.RETRYING: 2,
        Condition.QUEUED: 3,
        Condition.NOT_DUE: 4,
    },
    "forecast": {Condition.BLOCKED: 1, Condition.SUCCEEDED: 29},
}


def shop(*, slots: bool = False) -> Picture:
    nodes = [
        Node(
            key=name,
            label=name,
            source=source,
            frequency=frequency,
            matrix=matrix,
            reads=tuple(reads.split()),
            writes=tuple(writes.split()),
            active=name != "train_model",
            slots=SLOTS.get(name, {}) if slots else {},
        )
        for name, source, frequency, matrix, reads, writes in ROWS
    ]
    edges = [
        Edge(parent=parent.key, child=child.key, tables=tables)
        for parent in nodes
        for child in nodes
        if (tables := tuple(table for table in parent.writes if table in child.reads))
    ]
    loose = Edge(parent="forecast", child="load_rates", tables=("ml.forecast",), loose=True)
    return picture_of(nodes, [*edges, loose], title="shop")


HOSTILE = "</title></style></script><script>alert(1)</script>\"'&{{}}[]|;\\\x1b[2J\x00\u202eevil"


def hostile() -> Picture:
    nodes = [
        Node(
            key=f"{HOSTILE}{number}",
            label=f"{HOSTILE}{number}",
            source=HOSTILE,
            frequency=HOSTILE,
            matrix=HOSTILE,
            description=HOSTILE,
            reads=(HOSTILE,) if number else (),
            writes=() if number else (HOSTILE,),
        )
        for number in range(2)
    ]
    edge = Edge(parent=nodes[0].key, child=nodes[1].key, tables=(HOSTILE,))
    return picture_of(nodes, [edge], title=HOSTILE)


@st.composite
def graphs(draw: st.DrawFn, *, largest: int = 14) -> Picture:
    """Any acyclic graph; names do not follow the order."""
    size = draw(st.integers(1, largest))
    names = draw(st.permutations([f"step_{number}" for number in range(size)]))
    pairs = [(parent, child) for child in range(size) for parent in range(child)]
    chosen = draw(st.sets(st.sampled_from(pairs), max_size=2 * size)) if pairs else set()
    return picture_of(
        (Node(key=name, label=name, source="shell") for name in names),
        (Edge(parent=names[parent], child=names[child]) for parent, child in chosen),
    )
