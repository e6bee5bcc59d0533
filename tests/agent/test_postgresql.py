"""Stored procedures on a real PostgreSQL."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf.json_format import MessageToDict

from conductor_proto.v1 import agent_service_pb2 as wire
from conductor_proto.v1 import run_pb2
from tests.agent.conftest import StartAgent
from tests.agent.procedures import ProcedureCall
from tests.agent.runs import claimed
from tests.agent.server import SmallServer
from tests.agent.test_placeholders import CORPUS
from tests.postgres import database_url, postgres_url

__all__ = ["database_url", "postgres_url"]  # fixtures

SCHEMA = """
CREATE SCHEMA agg;
CREATE TABLE agg.seen (account text, moment timestamptz, day date, n integer, extra jsonb, tags text[]);
CREATE PROCEDURE agg.update_sales(account text, "from" timestamptz, day date, OUT label text, n integer DEFAULT 5,
                                  extra jsonb DEFAULT NULL, tags text[] DEFAULT '{}',
                                  INOUT total numeric DEFAULT 0)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agg.seen VALUES (account, "from", day, n, extra, tags);
    COMMIT;
    RAISE NOTICE 'counting %', account;
    total := total + n;
    label := upper(account);
END $$;
CREATE PROCEDURE agg.fail() LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no rows for %', 'acme' USING HINT = 'load first'; END $$;
CREATE PROCEDURE agg.stubborn() LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        RAISE NOTICE 'sleeping';
        PERFORM pg_sleep(600);
    EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'not yet';
    END;
    PERFORM pg_sleep(600);
END $$;
CREATE PROCEDURE agg.twice(n integer) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE agg.twice(n text) LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE agg.twice(n integer, m integer) LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'both'; END $$;
CREATE PROCEDURE agg."odd ""name""(%)"(INOUT "x y" text) LANGUAGE plpgsql AS $$ BEGIN "x y" := 'odd'; END $$;
CREATE FUNCTION agg.listed(up_to integer) RETURNS TABLE (number integer, name text)
LANGUAGE sql AS 'SELECT i, ''n'' || i FROM generate_series(1, up_to) AS i';
"""


@pytest.fixture
def warehouse(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SCHEMA)
    return database_url


def call(
    folder: Path, url: str, procedure: str, parameters: dict[str, Any] | None = None, **more: Any
) -> ProcedureCall:
    spec = {"database": url, "procedure": procedure, "parameters": parameters or {}, **more}
    return ProcedureCall(folder, spec)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_typed_parameters_go_in_and_come_back(warehouse: str, tmp_path: Path) -> None:
    parameters = {
        "account": "${account.token}",
        "from": "${window.start}",
        "day": "${window.start}",
        "n": 7,
        "extra": {"a": [1, None]},
        "tags": ["x", "y"],
        "total": {"inout": 1.5, "type": "numeric"},
        "label": {"out": "text"},
    }
    made = call(tmp_path, warehouse, "agg.update_sales", parameters)
    assert made.finish() == 0, made.error
    assert made.result == {"total": 8.5, "label": "ACME"}
    assert made.output == "NOTICE: counting acme\n"
    query = "SELECT account, moment::text, day::text, n, extra, tags FROM agg.seen"
    assert rows(warehouse + "&options=-ctimezone%3DUTC", query) == [
        ("acme", "2026-11-20 00:00:00+00", "2026-11-20", 7, {"a": [1, None]}, ["x", "y"])
    ]


def test_what_has_a_default_may_be_left_out(warehouse: str, tmp_path: Path) -> None:
    made = call(
        tmp_path, warehouse, "agg.update_sales", {"account": "a", "from": "2026-01-01", "day": "2026-01-01"}
    )
    assert made.finish() == 0, made.error
    assert made.result == {"total": 5, "label": "A"}


def test_hostile_values_are_data(warehouse: str, tmp_path: Path) -> None:
    tags = [value.replace("${", "$${") for value in CORPUS]
    parameters = {"account": tags[0], "from": "2026-01-01", "day": "2026-01-01", "tags": tags, "extra": tags}
    made = call(tmp_path, warehouse, "agg.update_sales", parameters)
    assert made.finish() == 0, made.error
    assert rows(warehouse, "SELECT account, tags, extra FROM agg.seen") == [(CORPUS[0], CORPUS, CORPUS)]


@pytest.mark.parametrize(
    ("procedure", "parameters", "complaint"),
    [
        pytest.param("agg.nothing", {}, "there is no procedure agg.nothing", id="unknown"),
        pytest.param("agg.fail; DROP TABLE agg.seen", {}, "a procedure is written schema.name", id="hostile"),
        pytest.param("a.b.c", {}, "a procedure is written schema.name", id="parts"),
        pytest.param("agg.fail", {"x": 1}, "do not fit any of agg.fail()", id="too-many"),
        pytest.param("agg.twice", {}, "do not fit any of agg.twice(in n integer); ", id="too-few"),
        pytest.param("agg.twice", {"n": 1}, "fit more than one of", id="ambiguous"),
        pytest.param("agg.twice", {"n": {"out": "int"}, "m": 1}, "do not fit any", id="direction"),
        pytest.param("agg.twice", {"n": "x", "m": 1}, "invalid input syntax for type integer", id="type"),
        pytest.param("agg.fail", {}, "ERROR: no rows for acme\nHINT: load first\nCONTEXT: ", id="raises"),
    ],
)
def test_errors_say_what_is_wrong(
    warehouse: str, tmp_path: Path, procedure: str, parameters: dict[str, Any], complaint: str
) -> None:
    made = call(tmp_path, warehouse, procedure, parameters)
    assert made.finish() == 1
    assert complaint in made.error
    assert rows(warehouse, "SELECT count(*) FROM agg.seen") == [(0,)]


def test_names_are_quoted_and_overloads_told_apart(warehouse: str, tmp_path: Path) -> None:
    both = call(tmp_path, warehouse, "agg.twice", {"n": 1, "m": 2})
    assert both.finish() == 0, both.error
    assert both.output == "NOTICE: both\n"
    odd = call(tmp_path, warehouse, 'agg.odd "name"(%)', {"x y": {"inout": "in"}})
    assert odd.finish() == 0, odd.error
    assert odd.result == {"x y": "odd"}


def test_the_rows_of_a_function_are_logged(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "agg.listed", {"up_to": 1002})
    assert made.finish() == 0, made.error
    lines = made.output.splitlines()
    assert lines[:3] == ["number\tname", "1\tn1", "2\tn2"]
    assert lines[-1] == "(2 more rows)"


def test_a_statement_timeout_ends_it_on_the_server(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "pg_catalog.pg_sleep", {}, statement_timeout=0.2)
    assert made.finish() == 1
    slow = call(tmp_path, warehouse, "agg.stubborn", {}, statement_timeout=0.2)
    slow.wait_for("not yet")
    slow.process.send_signal(signal.SIGTERM)
    assert slow.finish() == 143


def test_sigterm_stops_the_statement_on_the_server(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "agg.stubborn")
    made.wait_for("sleeping")
    made.process.send_signal(signal.SIGTERM)
    assert made.finish() == 143
    assert "not yet" in made.output, "the first cancellation was swallowed, the second was not"
    active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CALL%'"
    assert rows(warehouse, active) == [(0,)]


def test_a_database_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    made = call(tmp_path, f"postgresql://u:hush@/d?host={tmp_path}", "a.b")
    assert made.finish() == 1
    assert made.error.startswith("the database cannot be reached: ")
    assert "hush" not in made.error
    other = call(tmp_path, "oracle://x", "a.b")
    assert other.finish() == 1
    assert "a database is written postgresql://… or mysql://…" in other.error


async def test_through_an_agent(
    warehouse: str, server: SmallServer, start_agent: StartAgent, tmp_path: Path
) -> None:
    await start_agent("stored_procedure", environment={"WAREHOUSE_URL": warehouse})
    spec: dict[str, Any] = {"database": "${env:WAREHOUSE_URL}", "procedure": "agg.update_sales"}
    spec["parameters"] = {"account": "${account.token}", "from": "${window.start}", "day": "${window.start}"}
    good = await server.give(claimed("stored_procedure", spec))
    stopped = await server.give(
        claimed("stored_procedure", spec | {"procedure": "agg.stubborn", "parameters": {}})
    )

    report = await server.report_of(good)
    assert report.outcome == run_pb2.OUTCOME_SUCCEEDED, report.error
    assert MessageToDict(report.result) == {"total": 5, "label": "ACME"}
    assert await server.log_of(good, "stdout", "NOTICE") == "NOTICE: counting acme\n"

    await server.log_of(stopped, "stdout", "sleeping")
    await server.judge(stopped, wire.VERDICT_CANCEL, "enough")
    assert (await server.report_of(stopped)).outcome == run_pb2.OUTCOME_CANCELLED
