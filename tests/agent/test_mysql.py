"""Stored procedures on a real MySQL or MariaDB; ``CONDUCTOR_TEST_MYSQL_URL`` says where."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymysql
import pytest

from tests.agent.procedures import ProcedureCall
from tests.agent.test_placeholders import CORPUS

URL = os.environ.get("CONDUCTOR_TEST_MYSQL_URL", "")
pytestmark = [pytest.mark.mysql, pytest.mark.skipif(not URL, reason="CONDUCTOR_TEST_MYSQL_URL is not set")]

DATABASE = f"conductor_test_{os.getpid()}"
SCHEMA = [
    "CREATE TABLE seen (account TEXT, moment DATETIME, day DATE, n INT, extra JSON)",
    """
    CREATE PROCEDURE update_sales(IN account TEXT, IN `from` DATETIME, IN day DATE, IN n INT, IN extra JSON,
                                  INOUT total DECIMAL(10, 2), OUT label TEXT)
    BEGIN
        INSERT INTO seen VALUES (account, `from`, day, n, extra);
        COMMIT;
        SELECT account AS who, n AS many;
        SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'nearly';
        SET total = total + n;
        SET label = UPPER(account);
    END
    """,
    "CREATE PROCEDURE fail() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no rows'",
    "CREATE PROCEDURE slow() BEGIN DO SLEEP(600); DO SLEEP(600); DO SLEEP(600); END",
    "CREATE PROCEDURE `odd ``name``%`(OUT `x y%s` TEXT) SET `x y%s` = 'odd'",
]


def connect(database: str | None = None) -> pymysql.Connection[Any]:
    parts = urlsplit(URL)
    return pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username or "root",
        password=parts.password or "",
        database=database,
        autocommit=True,
    )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[str]:
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    with connect(DATABASE) as connection, connection.cursor() as cursor:
        for statement in SCHEMA:
            cursor.execute(statement)
    yield urlunsplit(urlsplit(URL)._replace(path=f"/{DATABASE}"))
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")


def call(
    folder: Path, url: str, procedure: str, parameters: dict[str, Any] | None = None, **more: Any
) -> ProcedureCall:
    spec = {"database": url, "procedure": procedure, "parameters": parameters or {}, **more}
    return ProcedureCall(folder, spec)


def parameters_for(account: str) -> dict[str, Any]:
    return {
        "account": account,
        "from": "${window.start}",
        "day": "${window.start}",
        "n": 7,
        "extra": {"a": 1},
        "total": {"inout": 1.5, "type": "decimal"},
        "label": {"out": "text"},
    }


def test_typed_parameters_go_in_and_come_back(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, f"{DATABASE}.update_sales", parameters_for("${account.token}"))
    assert made.finish() == 0, made.error
    assert made.result == {"total": 8.5, "label": "ACME"}
    assert made.output.splitlines()[:2] == ["who\tmany", "acme\t7"]
    with connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT account, CAST(moment AS CHAR), CAST(day AS CHAR), n FROM seen WHERE account = 'acme'"
        )
        assert cursor.fetchall() == (("acme", "2026-11-20 00:00:00", "2026-11-20", 7),)


def test_hostile_values_are_data(warehouse: str, tmp_path: Path) -> None:
    account = "\n".join(CORPUS)
    made = call(tmp_path, warehouse, "update_sales", parameters_for(account.replace("${", "$${")))
    assert made.finish() == 0, made.error
    with connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT account FROM seen WHERE account <> 'acme'")
        assert cursor.fetchall() == ((account,),)


@pytest.mark.parametrize(
    ("procedure", "parameters", "complaint"),
    [
        pytest.param("nothing", {}, "there is no procedure nothing", id="unknown"),
        pytest.param("fail`; DROP TABLE seen; --", {}, "there is no procedure fail`; DROP", id="hostile"),
        pytest.param("fail", {"x": 1}, "do not fit", id="too-many"),
        pytest.param("update_sales", {}, "do not fit", id="too-few"),
        pytest.param("odd `name`%", {"x y%s": 5}, "is OUT in", id="direction"),
        pytest.param("fail", {}, "ERROR 1644: no rows", id="raises"),
    ],
)
def test_errors_say_what_is_wrong(
    warehouse: str, tmp_path: Path, procedure: str, parameters: dict[str, Any], complaint: str
) -> None:
    made = call(tmp_path, warehouse, procedure, parameters)
    assert made.finish() == 1
    assert complaint in made.error


def test_names_are_quoted(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "odd `name`%", {"x y%s": {"out": "text"}})
    assert made.finish() == 0, made.error
    assert made.result == {"x y%s": "odd"}


def test_a_statement_timeout_ends_it_on_the_server(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "slow", statement_timeout=0.2)
    assert made.finish() == 1
    assert "the statement timeout of 0.2 s was reached" in made.error
    assert running() == 0


def test_sigterm_stops_the_statement_on_the_server(warehouse: str, tmp_path: Path) -> None:
    made = call(tmp_path, warehouse, "slow")
    while running() == 0:
        assert made.process.poll() is None
    made.process.send_signal(signal.SIGTERM)
    assert made.finish() == 143, made.error
    assert running() == 0


def running() -> int:
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = %s AND INFO LIKE %s",
            (DATABASE, "%SLEEP%"),
        )
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])
