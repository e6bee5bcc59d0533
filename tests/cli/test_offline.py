"""What needs no server: validating files, drawing them, the schema, completion."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conductor_cli.graph import FORMATS
from conductor_cli.main import cli
from conductor_server.drawing.formats import Format
from tests.golden import assert_golden

SHOP = """\
version: 1
accounts:
  - {token: acme, timezone: Europe/London, starts_on: 2026-11-01}
defaults: {frequency: daily, matrix: account}
definitions:
  - name: load_orders
    source: shell
    writes_to: [raw.orders]
    shell: {argv: [echo, orders]}
  - name: load_returns
    source: shell
    writes_to: [raw.orders]
    shell: {argv: [echo, returns]}
  - name: update_sales
    source: shell
    reads_from: [raw.orders, raw.rates]
    writes_to: [agg.sales]
    shell: {argv: [echo, sales]}
  - name: report
    source: shell
    matrix: default
    reads_from: [agg.sales]
    shell: {argv: [echo, report]}
"""

BROKEN = """\
version: 1
definitions:
  - name: hen
    source: shell
    reads_from: [egg]
    writes_to: [hen]
    shell: {argv: [lay]}
  - name: egg
    source: shell
    reads_from: [hen]
    writes_to: [egg]
    shell: {argv: [hatch]}
  - name: typo
    source: shell
    frequenzy: daily
    shell: {argv: 7}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "broken.yaml").write_text(BROKEN)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="conductor-cli")


def test_valid_files(shop: Path) -> None:
    result = run("validate", "shop.yaml")

    assert result.exit_code == 0
    assert_golden("cli/validate.txt", result.stdout)
    assert_golden("cli/validate.json", run("validate", "shop.yaml", "-o", "json").stdout)


def test_every_fault_is_shown(shop: Path) -> None:
    result = run("validate", "broken.yaml")
    document = json.loads(run("validate", "broken.yaml", "-o", "json").stdout)

    assert result.exit_code == 1
    assert_golden("cli/validate-broken.txt", result.stdout)
    assert document["ok"] is False
    assert {error["line"] for error in document["errors"]} == {3, 15, 16}
    assert document.keys() == json.loads(run("validate", "shop.yaml", "-o", "json").stdout).keys()


def test_a_file_that_is_not_there(shop: Path) -> None:
    result = run("validate", "nothing.yaml")

    assert result.exit_code == 1
    assert "nothing.yaml" in result.output


def test_a_graph_of_broken_files_says_what_is_wrong(shop: Path) -> None:
    result = run("graph", "--definitions", "broken.yaml")

    assert result.exit_code == 1
    assert "broken.yaml:3:" in result.stderr


def test_graph_as_text(shop: Path) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--tables")

    assert result.exit_code == 0
    assert_golden("cli/graph-tables.txt", result.stdout)


@pytest.mark.parametrize("format", FORMATS)
def test_graph_into_a_file_whose_name_says_the_format(shop: Path, format: str) -> None:
    written = shop / f"graph.{format}"

    result = run("graph", "--definitions", "shop.yaml", "--output", str(written))

    assert (result.exit_code, result.stdout) == (0, "")
    assert written.read_bytes() == run("graph", "--definitions", "shop.yaml", "-o", format).stdout_bytes


def test_formats_are_those_of_the_drawings() -> None:
    assert [format.value for format in Format] == FORMATS


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("update_sales", {"update_sales"}),
        ("+update_sales", {"load_orders", "load_returns", "update_sales"}),
        ("load_returns+1", {"load_returns", "update_sales"}),
        ("load_orders+", {"load_orders", "update_sales", "report"}),
    ],
)
def test_select(shop: Path, expression: str, names: set[str]) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--select", expression, "-o", "json")

    assert {node["key"] for node in json.loads(result.stdout)["nodes"]} == names


def test_select_of_nothing(shop: Path) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--select", "update_sale")

    assert result.exit_code == 1
    assert "did you mean update_sales" in result.stderr


def test_a_name_that_says_no_format(shop: Path) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--output", "graph.pdf")

    assert result.exit_code == 2
    assert "add --format" in result.stderr


def test_a_file_that_cannot_be_written(shop: Path) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--output", "no/such/folder/graph.svg")

    assert (result.exit_code, result.stderr) == (
        1,
        "error: no/such/folder/graph.svg cannot be written: No such file or directory\n",
    )


def test_schema_knows_the_sources() -> None:
    schema = json.loads(run("schema").stdout)

    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "shell" in json.dumps(schema)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    result = run("completion", shell)

    assert result.exit_code == 0
    assert "_CONDUCTOR_CLI_COMPLETE" in result.stdout


def test_what_completion_asks_for() -> None:
    """The script calls the command back, which answers with what may follow."""
    done = subprocess.run(
        [sys.executable, "-c", "from conductor_cli.main import main; main()"],
        env={
            "_CONDUCTOR_CLI_COMPLETE": "bash_complete",
            "COMP_WORDS": "conductor-cli slots ",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    offered = {line.removeprefix("plain,") for line in done.stdout.split()}
    assert offered == {"list", "summary", "show", "release", "discard", "succeed", "fail"}


def test_files_have_no_slots_to_count(shop: Path) -> None:
    result = run("graph", "--definitions", "shop.yaml", "--window", "2026-11-20")

    assert result.exit_code == 2
    assert "which only a server has" in result.stderr
