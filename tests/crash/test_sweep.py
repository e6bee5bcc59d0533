"""A server that is struck at any of its statements or commits loses nothing that it has answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.points import CUTS, Kind
from tests.crash.sweep import Place, clash, sweep

EVERY_ON_POSTGRESQL = 41
"""Bringing a database back takes longer there than copying a file: ``make soak`` strikes at every point."""

EVERYTHING = tuple(kind for kind in Kind if kind not in CUTS)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return Place(sqlite=template)
    return request.getfixturevalue("postgres_place")


@pytest.fixture
def postgres_place(postgres_url: str, postgres_template: str) -> Place:
    return Place(server=postgres_url, template=postgres_template)


@pytest.mark.timeout(900)
def test_every_point_on_sqlite(sqlite_template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = (Kind.BEFORE_STATEMENT, Kind.AFTER_COMMIT, Kind.FAILED, Kind.UNHEARD)

    _none_is_wrong(Place(sqlite=sqlite_template), kinds, capsys)


@pytest.mark.timeout(900)
def test_points_on_postgresql(postgres_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = (Kind.BEFORE_STATEMENT, Kind.AFTER_COMMIT, Kind.FAILED, Kind.UNHEARD, *CUTS)

    _none_is_wrong(postgres_place, kinds, capsys, every=EVERY_ON_POSTGRESQL)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_point_to_the_end_of_the_night(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = EVERYTHING if place.sqlite else tuple(Kind)

    _none_is_wrong(place, kinds, capsys, to_the_end=True)


@pytest.mark.timeout(300)
def test_clashes_are_invisible(postgres_place: Place) -> None:
    """Deadlocks and serialisation failures, which PostgreSQL undoes: the unit of work is tried again."""
    found = clash(postgres_place, range(3), chance=0.05)

    assert [wrong for _, wrong in found if wrong] == []
    assert sum(number for number, _ in found) > 5, "hardly anything has clashed"


def _none_is_wrong(
    place: Place,
    kinds: tuple[Kind, ...],
    capsys: pytest.CaptureFixture[str],
    *,
    every: int = 1,
    to_the_end: bool = False,
) -> None:
    swept = sweep(place, kinds, every=every, to_the_end=to_the_end)

    with capsys.disabled():
        where = "SQLite" if place.sqlite else "PostgreSQL"
        told = ", ".join(f"{kind.value}: {number}" for kind, number in swept.struck.items())
        print(f"\n{where}: {swept.struck.total()} of {swept.possible} points ({told})")
    assert not swept.wrong, "\n" + "\n".join(swept.wrong[:10])
    assert set(swept.struck) == set(kinds)
    assert every > 1 or swept.struck.total() == swept.possible
