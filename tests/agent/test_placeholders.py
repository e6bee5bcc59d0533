"""Placeholders are data: filled once, never read again by anything."""

from __future__ import annotations

import sys

import pytest

from conductor_agent.errors import RunError
from conductor_agent.model import Json, Member
from conductor_agent.placeholders import fill, first_in, values_of
from tests.agent.conftest import StartAgent
from tests.agent.runs import a_run, claimed
from tests.agent.server import SmallServer

CORPUS = [
    "; touch /tmp/no",
    "$(echo no)",
    "`echo no`",
    "' OR '1'='1",
    '"; DROP TABLE sales; --',
    "a\nb",
    "-x",
    "--flag",
    "%s %d {0} {{7*7}}",
    "../../etc/passwd",
    "${env:HOME}",
    "${slot}",
    "$${slot}",
    "\\",
    "*",
    " ",
    "é→😀",
]
"""Values as a hostile account might have them."""


def test_every_placeholder_has_its_value() -> None:
    text = "|".join(f"${{{name}}}" for name in values_of(a_run()))
    assert fill(text, values_of(a_run()), {}) == (
        "acme|acme|2026-11-20T00:00:00Z|2026-11-21T00:00:00Z|2026-11-20|update_sales@acme/2026-11-20|1"
    )


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        pytest.param("${env:X}", "x", id="environment"),
        pytest.param("a ${slot} b ${slot}", "a S b S", id="twice"),
        pytest.param("$${slot}", "${slot}", id="escaped"),
        pytest.param("$slot $ {slot} ${", "$slot $ {slot} ${", id="not-a-placeholder"),
        pytest.param(
            {"k": ["${slot}", 5, None, {"d": "${slot}"}]}, {"k": ["S", 5, None, {"d": "S"}]}, id="deep"
        ),
        pytest.param({"${slot}": 1}, {"${slot}": 1}, id="keys-stay"),
        pytest.param(5, 5, id="number"),
    ],
)
def test_fill(value: Json, filled: Json) -> None:
    assert fill(value, {"slot": "S"}, {"X": "x"}) == filled


@pytest.mark.parametrize("value", CORPUS)
def test_a_value_is_not_read_again(value: str) -> None:
    assert fill("<${slot}>", {"slot": value}, {"HOME": "secret"}) == f"<{value}>"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${nonsense}", r"there is no placeholder \$\{nonsense\}: known are account.token, "),
        ("${env:NOPE}", r"no variable NOPE"),
        ("${}", r"there is no placeholder"),
    ],
)
def test_what_does_not_exist_is_named(text: str, complaint: str) -> None:
    with pytest.raises(RunError, match=complaint):
        fill(text, {"slot": "S"}, {})


@pytest.mark.parametrize(
    ("text", "found"),
    [("echo ${HOME} ${x:-y}", None), ("$${slot}", None), ("a ${slot}", "${slot}"), ("${env:A}", "${env:A}")],
)
def test_first_in_sees_only_our_own(text: str, found: str | None) -> None:
    assert first_in(text) == found


async def test_hostile_values_reach_an_argv_byte_for_byte(
    server: SmallServer, start_agent: StartAgent
) -> None:
    agent = await start_agent("shell")
    program = "import sys; sys.stdout.buffer.write(sys.argv[2].encode('utf-8', 'surrogateescape') + b'|end')"
    expected = {}
    for value in CORPUS:
        member = Member(matrix="account", token=value, account=value, timezone="UTC")
        run_id = await server.give(
            claimed(
                "shell", {"argv": [sys.executable, "-c", program, "--", "${account.token}"]}, member=member
            )
        )
        expected[run_id] = value
    for run_id, value in expected.items():
        assert await server.log_of(run_id, "stdout", "|end") == f"{value}|end"
    assert agent
