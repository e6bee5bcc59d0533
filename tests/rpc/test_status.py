"""The table from errors to status codes is complete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.rpc import code_pb2

from conductor_server.model import errors
from conductor_server.rpc.status import CODES, status_of


def all_errors(base: type[errors.ConductorError] = errors.ConductorError) -> Iterator[type[Exception]]:
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from all_errors(error)


@pytest.mark.parametrize("error", list(all_errors()), ids=lambda error: error.__name__)
def test_every_error_or_its_base_has_a_row_of_its_own(error: type[Exception]) -> None:
    bases = [base for base in error.__mro__ if base in CODES]
    assert bases[0] is not errors.ConductorError


def test_a_status_says_which_error_it_was() -> None:
    status = status_of(errors.StaleSessionError("agent etl-2 is another process now"))
    assert (status.code, status.message) == (code_pb2.ABORTED, "agent etl-2 is another process now")
    assert b"StaleSession" in status.details[0].value
