"""Options of the simulator: ``pytest tests/simulation --seed N`` runs one seed, ``--seeds N`` that many."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--seed", type=int, action="append", help="simulate this seed only; may be repeated")
    group.addoption("--seeds", type=int, help="simulate this many seeds, from 0")


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Nobody reads what the steps log of a virtual night."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
