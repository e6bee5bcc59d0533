"""Trains the delay model of a week on the weather impact of all airlines, and stores it in the warehouse."""

from __future__ import annotations

import argparse
import datetime as dt
import os

import psycopg
from dagster_pipes import open_dagster_pipes
from delay_model import FEATURES, Conditions, DelayModel, fit

IMPACT = """
    SELECT wind_speed, precipitation, visibility, hour_of_day, mean_delay, departed
    FROM agg.weather_impact
    WHERE hour_at >= %(start)s AND hour_at < %(end)s
    ORDER BY account, hour_at, origin
"""
STORE = """
    INSERT INTO ml.model (week, features, weights, observations, error, error_of_the_mean)
    VALUES (%(week)s, %(features)s, %(weights)s, %(observations)s, %(error)s, %(error_of_the_mean)s)
"""


def main() -> None:
    options = parsed_options()
    with open_dagster_pipes() as pipes, psycopg.connect(os.environ["WAREHOUSE_URL"]) as warehouse:
        pipes.report_custom_message(
            {"progress": 0.1, "message": "reading the weather impact of all airlines"}
        )
        rows = warehouse.execute(IMPACT, {"start": options.start, "end": options.end}).fetchall()

        pipes.report_custom_message(
            {"progress": 0.4, "message": f"learning from {len(rows)} hours of departures"}
        )
        model = fit(
            [Conditions(*row[:4]) for row in rows],
            delays=[row[4] for row in rows],
            flights=[row[5] for row in rows],
        )

        pipes.report_custom_message({"progress": 0.9, "message": "storing the model"})
        store(warehouse, model, week=options.week, observations=len(rows))
        pipes.report_asset_materialization(
            metadata={
                "observations": len(rows),
                "error_minutes": round(model.error, 2),
                "error_of_the_mean_minutes": round(model.error_of_the_mean, 2),
            },
        )


def store(warehouse: psycopg.Connection, model: DelayModel, *, week: str, observations: int) -> None:
    """Replaces the week's model."""
    warehouse.execute("DELETE FROM ml.model WHERE week = %(week)s", {"week": week})
    warehouse.execute(
        STORE,
        {
            "week": week,
            "features": list(FEATURES),
            "weights": list(model.weights),
            "observations": observations,
            "error": model.error,
            "error_of_the_mean": model.error_of_the_mean,
        },
    )


def parsed_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--week", required=True)
    parser.add_argument("--from", dest="start", type=dt.datetime.fromisoformat, required=True)
    parser.add_argument("--to", dest="end", type=dt.datetime.fromisoformat, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
