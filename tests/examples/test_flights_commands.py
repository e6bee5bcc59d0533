"""The example's commands as the agents start them: a Django project, and model scripts that tell how far they are."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from night.processes import EXAMPLE
from psycopg.rows import TupleRow

SPRING_DAY = ["--from", "2013-03-10T05:00:00Z", "--to", "2013-03-11T04:00:00Z"]  # 23 hours in New York


def run(
    argv: list[str], *, folder: Path, warehouse_url: str, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "WAREHOUSE_URL": warehouse_url, **more}
    return subprocess.run(
        [sys.executable, *argv], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def fed(warehouse_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A warehouse with the vendor's feed and a day's flights in it; emptied afterwards."""
    for argv in (["prepare_feed"], ["load_airports"], ["load_flights", "--account", "B6", *SPRING_DAY]):
        ended = manage(argv, warehouse_url=warehouse_url)
        assert ended.returncode == 0, ended.stderr
    with psycopg.connect(warehouse_url, autocommit=True) as connection:
        yield connection
        tables = "feed.flights, feed.weather, raw.airports, raw.planes, raw.flights, agg.weather_impact"
        connection.execute(f"TRUNCATE {tables}, ml.model, ml.forecast, report.airline_week")


def manage(argv: list[str], *, warehouse_url: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(["manage.py", *argv], folder=EXAMPLE / "airline", warehouse_url=warehouse_url, **more)


def count(connection: psycopg.Connection[TupleRow], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])


def test_the_feed_is_the_whole_year(fed: psycopg.Connection[TupleRow]) -> None:
    assert (count(fed, "feed.flights"), count(fed, "feed.weather")) == (336_776, 26_115)
    assert count(fed, "raw.airports") == 1458


def test_flights_are_loaded_once_however_often(fed: psycopg.Connection[TupleRow], warehouse_url: str) -> None:
    ended = manage(["load_flights", "--account", "B6", *SPRING_DAY], warehouse_url=warehouse_url)

    assert ended.stdout == "B6: 157 flights in 23 hours\n"
    assert count(fed, "raw.flights") == 157


def test_the_register_is_late_for_the_first_attempt(
    fed: psycopg.Connection[TupleRow], warehouse_url: str
) -> None:
    argv = ["load_planes", "--published-after-attempts", "1"]

    first = manage(argv, warehouse_url=warehouse_url, CONDUCTOR_ATTEMPT="1")
    assert (first.returncode, count(fed, "raw.planes")) == (1, 0)
    assert "attempt 1: the register is not published yet" in first.stderr

    second = manage(argv, warehouse_url=warehouse_url, CONDUCTOR_ATTEMPT="2")
    assert (second.returncode, count(fed, "raw.planes")) == (0, 3322)


def test_a_model_is_trained_applied_and_reported(
    fed: psycopg.Connection[TupleRow], warehouse_url: str, tmp_path: Path
) -> None:
    fed.execute(
        "INSERT INTO agg.weather_impact SELECT 'B6', timestamptz '2013-03-10 12:00Z' + make_interval(hours => n),"
        " 'JFK', 8 + n, 5, 3.0 * n, n, 0, 10 FROM generate_series(0, 9) AS n"
    )
    week = ["--week", "2013-W10"]

    trained, progress = model("train_delay_model.py", [*week, *SPRING_DAY], warehouse_url, tmp_path / "train")
    assert trained.returncode == 0, trained.stderr
    assert progress == [0.1, 0.4, 0.9]
    forecast, progress = model(
        "forecast_delays.py",
        ["--account", "B6", *week, *SPRING_DAY[2:]],
        warehouse_url,
        tmp_path / "forecast",
    )
    assert forecast.returncode == 0, forecast.stderr
    assert progress == [0.3, 0.8]
    reported = manage(["weekly_report", "--account", "B6", *week], warehouse_url=warehouse_url)
    assert reported.returncode == 0, reported.stderr

    assert fed.execute("SELECT observations, error < error_of_the_mean FROM ml.model").fetchone() == (
        10,
        True,
    )
    assert count(fed, "ml.forecast") == 10
    assert count(fed, "report.airline_week") == 1


def test_a_forecast_without_a_model_says_so(
    fed: psycopg.Connection[TupleRow], warehouse_url: str, tmp_path: Path
) -> None:
    arguments = ["--account", "B6", "--week", "2013-W09", *SPRING_DAY[2:]]

    ended, _ = model("forecast_delays.py", arguments, warehouse_url, tmp_path)

    assert ended.returncode == 1
    assert "there is no model of 2013-W09" in ended.stderr


def model(
    script: str, arguments: list[str], warehouse_url: str, folder: Path
) -> tuple[subprocess.CompletedProcess[str], list[float]]:
    """Runs a model script with the Pipes protocol spoken to it; returns also the progress that it reported."""
    folder.mkdir(exist_ok=True)
    context, messages = folder / "context", folder / "messages"
    context.write_text(json.dumps({"asset_keys": [script], "extras": {}, "run_id": "1", "retry_number": 0}))
    ended = run(
        [f"model/{script}", *arguments],
        folder=EXAMPLE,
        warehouse_url=warehouse_url,
        DAGSTER_PIPES_CONTEXT=pipes_parameter(context),
        DAGSTER_PIPES_MESSAGES=pipes_parameter(messages),
    )
    told = [json.loads(line) for line in messages.read_text().splitlines()]
    custom = [
        message["params"]["payload"] for message in told if message["method"] == "report_custom_message"
    ]
    return ended, [payload["progress"] for payload in custom]


def pipes_parameter(path: Path) -> str:
    return base64.b64encode(zlib.compress(json.dumps({"path": str(path)}).encode())).decode()
