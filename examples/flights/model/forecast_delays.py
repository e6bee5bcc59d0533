"""Forecasts an airline's delays for the days after a week, by airport and hour of departure.

Weather tomorrow is taken to be what it was when the airline last left in that hour: persistence, the forecast
that every better one is measured against.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os

import psycopg
from dagster_pipes import open_dagster_pipes
from delay_model import FEATURES, Conditions, DelayModel

MODEL = "SELECT features, weights, error, error_of_the_mean FROM ml.model WHERE week = %(week)s"
LATEST = """
    SELECT DISTINCT ON (origin, hour_of_day) origin, wind_speed, precipitation, visibility, hour_of_day
    FROM agg.weather_impact
    WHERE account = %(account)s AND hour_at < %(end)s
    ORDER BY origin, hour_of_day, hour_at DESC
"""
STORE = """
    INSERT INTO ml.forecast (account, week, origin, hour_of_day, expected_delay) VALUES (%s, %s, %s, %s, %s)
"""


def main() -> None:
    options = parsed_options()
    with open_dagster_pipes() as pipes, psycopg.connect(os.environ["WAREHOUSE_URL"]) as warehouse:
        model = stored_model(warehouse, week=options.week)
        pipes.report_custom_message({"progress": 0.3, "message": f"applying the model of {options.week}"})
        latest = warehouse.execute(LATEST, {"account": options.account, "end": options.end}).fetchall()
        origins, conditions = [row[0] for row in latest], [Conditions(*row[1:]) for row in latest]
        expected = model.expected(conditions)

        pipes.report_custom_message({"progress": 0.8, "message": f"storing {len(latest)} hours"})
        with warehouse.cursor() as cursor:
            cursor.execute(
                "DELETE FROM ml.forecast WHERE account = %s AND week = %s", (options.account, options.week)
            )
            cursor.executemany(
                STORE,
                [
                    (options.account, options.week, origin, at.hour_of_day, float(minutes))
                    for origin, at, minutes in zip(origins, conditions, expected, strict=True)
                ],
            )
        pipes.report_asset_materialization(
            metadata={
                "hours": len(latest),
                "mean_minutes": round(float(expected.mean()), 2) if latest else 0.0,
            },
        )


def stored_model(warehouse: psycopg.Connection, *, week: str) -> DelayModel:
    """The week's model. Raises ``LookupError`` when it is missing or made of other features."""
    row = warehouse.execute(MODEL, {"week": week}).fetchone()
    if row is None:
        raise LookupError(f"there is no model of {week}: has train_delay_model run?")
    names, weights, error, error_of_the_mean = row
    if tuple(names) != FEATURES:
        raise LookupError(f"the model of {week} has features {names}, this script makes {list(FEATURES)}")
    return DelayModel(weights=tuple(weights), error=error, error_of_the_mean=error_of_the_mean)


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--account", required=True)
    parser.add_argument("--week", required=True)
    parser.add_argument("--to", dest="end", type=dt.datetime.fromisoformat, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
