"""The model of scale.md: its laws, and whether it foretells what was measured. Recorded figures only: no clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.results import COMMITTED, load
from benchmarks.scale_model import Check, Demands, Prices, Rows, Scale, Site, price_per_million
from benchmarks.scale_page import WITHIN

DEMANDS = Demands(server_s=0.0002, postgresql_s=0.0003, agents_s=0.0001, wal_bytes=3_000, disk_bytes=1_000)


@pytest.mark.parametrize(
    ("site", "most_per_second"),
    [
        pytest.param(Site(servers=1, processors=8), 5_000, id="one-server-is-the-narrowest"),
        pytest.param(Site(servers=2, processors=2), 2 / 0.0003, id="postgresql-is-the-narrowest"),
        pytest.param(Site(servers=9, processors=2), 2 / 0.0003, id="more-servers-wait-for-it"),
        pytest.param(Site(servers=1, processors=2, shared=True), 2 / 0.0006, id="all-share-two-processors"),
        pytest.param(Site(servers=1, processors=64, shared=True), 5_000, id="a-server-has-one-of-64"),
    ],
)
def test_the_narrowest_part_bounds_all(site: Site, most_per_second: float) -> None:
    assert site.most_per_second(DEMANDS) == pytest.approx(most_per_second)


def test_each_further_server_makes_a_run_dearer_for_postgresql() -> None:
    crowded = replace(DEMANDS, further_server=0.5)

    assert Site(servers=1, processors=2).most_per_second(crowded) == pytest.approx(5_000)
    assert Site(servers=5, processors=2).most_per_second(crowded) == pytest.approx(2 / 0.0009)


def test_a_price_is_what_its_parts_cost() -> None:
    parts = price_per_million(DEMANDS, Prices(processor_hour=0.36, gb_month=0.10), kept_days=15)

    assert parts == pytest.approx({"servers": 0.02, "PostgreSQL": 0.03, "disk": 0.05})


def test_a_figure_that_was_not_measured_says_how_to_get_it() -> None:
    rows = Rows({"night-rate": {"value": None, "baseline": 3.0}})

    with pytest.raises(LookupError, match='make bench ARGS="--only night-rate"'):
        rows.value("night-rate")
    assert rows.baseline("night-rate") == 3.0


@pytest.fixture(scope="module")
def scale() -> Scale:
    return Scale.of(load(COMMITTED))


def test_latency_grows_with_load_and_begins_at_what_it_is_when_idle(scale: Scale) -> None:
    latencies = [scale.latency_s(load) for load in (0.0, 0.5, 0.9, 0.99)]

    assert latencies[0] == scale.idle_latency_s
    assert latencies == sorted(latencies)
    assert latencies[1] == pytest.approx(scale.idle_latency_s + 0.5 / scale.singles_per_second)


@pytest.mark.parametrize("processors", [2, 8, 32])
def test_no_other_number_of_servers_does_more(scale: Scale, processors: int) -> None:
    site = scale.apart(processors)

    for servers in range(1, 2 * site.servers + 2):
        other = scale.rate(replace(site, servers=servers))
        assert other < scale.rate(site) or (other == scale.rate(site) and servers >= site.servers)


def test_nothing_is_faster_than_its_bound(scale: Scale) -> None:
    assert 0 < scale.reached <= 1


@pytest.mark.parametrize("check", Scale.of(load(COMMITTED)).checks(), ids=lambda check: check.what)
def test_the_model_foretells_what_was_measured(check: Check) -> None:
    assert 1 / WITHIN <= check.ratio <= WITHIN
