"""Errors as people read them."""

from __future__ import annotations

from conductor_server.model.definition import Place
from conductor_server.model.errors import DefinitionErrors, SpecError, UnknownNameError


def test_an_error_names_its_place_and_the_remedy() -> None:
    error = SpecError(
        "the timeout is negative", place=Place(origin="a.yaml", line=3, column=5), remedy="write 30m"
    )

    assert str(error) == "a.yaml:3:5: the timeout is negative\n    remedy: write 30m"


def test_several_errors_are_told_in_the_order_of_their_places() -> None:
    first = UnknownNameError("there is no pool x", place=Place(origin="a.yaml", line=2, column=1))
    second = SpecError("the timeout is negative", place=Place(origin="a.yaml", line=10, column=1))

    assert DefinitionErrors([second, first]).errors == (first, second)
