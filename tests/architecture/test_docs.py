"""The pages name what the code has: settings, flags, errors, RPCs, conditions, plugins; and links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from google.rpc import code_pb2

from conductor_agent.cli import main as agent
from conductor_agent.placeholders import NAMES
from conductor_cli.main import COMMANDS
from conductor_proto.v1 import agent_service_pb2, control_service_pb2, run_pb2
from conductor_server.cli import main as server
from conductor_server.config import Settings
from conductor_server.definitions import registry
from conductor_server.definitions.shape import (
    AccountShape,
    BackoffShape,
    ConcurrencyShape,
    DefinitionShape,
    FileShape,
    MatrixShape,
    RetryShape,
)
from conductor_server.engine.reconciler import STEPS
from conductor_server.model import states
from conductor_server.model.errors import ConductorError
from conductor_server.rpc.status import status_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

FOREIGN_SPANS = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def page(path: str) -> str:
    return (DOCS / path).read_text()


def rows(text: str) -> dict[str, list[str]]:
    """Table rows by the text of their first cell, without its backticks."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            for name in re.findall(r"`([^`]+)`", cells[0]) or [cells[0]]:
                found[name] = cells
    return found


def subclasses(kind: type[ConductorError]) -> Iterator[type[ConductorError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


def missing(names: Iterable[str], text: str) -> list[str]:
    """The names that stand nowhere in the text as a word of code."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def flags(command: click.Command) -> list[str]:
    return [
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--") and option not in ("--version", "--help")
    ]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name: str) -> None:
    field = Settings.model_fields[name]
    row = rows(page("reference/settings.md")).get(str(field.validation_alias))

    assert row is not None, f"{field.validation_alias} is missing in docs/reference/settings.md"
    if isinstance(field.default, bool | int | float) or (field.default and isinstance(field.default, str)):
        assert row[1] == f"`{field.default}`"


def test_no_row_for_a_setting_that_does_not_exist() -> None:
    sections = re.split(r"^## ", page("reference/settings.md"), flags=re.MULTILINE)
    told = {
        name
        for section in sections
        if section.startswith(("The server", "The engine"))
        for name in rows(section)
    }
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}

    assert {name for name in told if name.isupper()} == known


def test_every_flag_of_the_server_stands_beside_its_setting() -> None:
    assert missing(flags(server), page("reference/settings.md")) == []


def test_every_flag_of_the_agent_has_its_row() -> None:
    told = {name.split()[0] for name in rows(page("reference/settings.md"))}

    assert sorted(set(flags(agent)) - told) == []


def test_every_command_of_the_command_line_is_in_its_reference() -> None:
    assert missing(COMMANDS, page("reference/cli.md")) == []


@pytest.mark.parametrize("kind", sorted(set(subclasses(ConductorError)), key=lambda kind: kind.__name__))
def test_every_error_stands_beside_its_status(kind: type[ConductorError]) -> None:
    if not kind.__module__.startswith("conductor_server"):
        pytest.skip("a test's own")
    row = rows(page("reference/errors.md")).get(kind.__name__)

    assert row is not None, f"{kind.__name__} is missing in docs/reference/errors.md"
    bare = kind.__new__(kind)
    bare.__dict__.setdefault("field", "")
    assert row[1] == f"`{code_pb2.Code.Name(status_of(bare).code)}`"


@pytest.mark.parametrize(
    "service",
    [
        agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"],
        control_service_pb2.DESCRIPTOR.services_by_name["ControlService"],
    ],
    ids=lambda service: service.name,
)
def test_every_rpc_is_in_the_protocol(service: Any) -> None:
    assert missing((method.name for method in service.methods), page("reference/protocol.md")) == []


@pytest.mark.parametrize(
    "enum",
    [
        agent_service_pb2.Verdict.DESCRIPTOR,
        agent_service_pb2.Disposition.DESCRIPTOR,
        run_pb2.Outcome.DESCRIPTOR,
    ],
    ids=lambda enum: enum.name,
)
def test_every_word_of_the_wire_is_in_the_protocol(enum: Any) -> None:
    names = [value.name for value in enum.values if value.number]

    assert missing(names, page("reference/protocol.md")) == []


def test_every_condition_is_explained_in_the_order_in_which_it_is_tried() -> None:
    from conductor_server.policy.condition import Facts, rules

    nothing = Facts(**dict.fromkeys(Facts.__dataclass_fields__))
    order = [condition.value for _, condition in rules(nothing)] + [states.Condition.QUEUED.value]
    section = page("explanation/concepts.md").partition("## Conditions")[2].partition("\n## ")[0]

    assert [name for name in rows(section) if name in set(states.Condition)] == order


@pytest.mark.parametrize(
    "kind",
    [
        states.Frequency,
        states.StartPolicy,
        states.RetryKind,
        states.WindowRule,
        states.Catchup,
    ],
)
def test_every_word_of_a_definition_is_explained(kind: type[states.Named]) -> None:
    words = [member.word for member in kind if member.word not in ("cron", "auto")]

    assert missing(words, page("explanation/concepts.md")) == []
    assert missing(words, page("reference/definitions.md")) == []


@pytest.mark.parametrize("kind", [states.SlotState, states.RunStatus, states.Outcome])
def test_every_state_is_in_the_glossary(kind: type[states.Named]) -> None:
    words = [member.word.replace("_", " ") for member in kind]

    assert missing(words, page("glossary.md")) == []


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_every_step_is_in_the_architecture(step: Any) -> None:
    assert step.__name__ in rows(page("explanation/architecture.md"))


@pytest.mark.parametrize(
    "shape",
    [FileShape, DefinitionShape, AccountShape, MatrixShape, BackoffShape, ConcurrencyShape, RetryShape],
)
def test_every_key_of_a_file_is_in_the_reference(shape: Any) -> None:
    assert missing(shape.model_fields, page("reference/definitions.md")) == []


@pytest.mark.parametrize("source", registry.command_sources())
def test_every_key_of_a_spec_is_in_its_section(source: str) -> None:
    found = re.search(
        rf"^### {source}\n(.*?)(?=^##)", page("reference/definitions.md"), re.MULTILINE | re.DOTALL
    )

    assert found, f"the source {source} is missing in docs/reference/definitions.md"
    assert sorted(registry.command_sources()[source].model_fields.keys() - rows(found[1]).keys()) == []


def test_every_placeholder_is_in_the_reference() -> None:
    told = rows(page("reference/definitions.md"))

    assert [name for name in NAMES if f"${{{name}}}" not in told] == []
    assert "${env:NAME}" in told


@pytest.mark.parametrize("group", PROJECT["entry-points"])
def test_every_plugin_is_mentioned(group: str) -> None:
    text = "\n".join(path.read_text() for path in PAGES)

    assert missing([group, *PROJECT["entry-points"][group]], text) == []


@pytest.mark.parametrize("program", PROJECT["scripts"])
def test_every_program_has_its_exit_codes(program: str) -> None:
    assert program in page("reference/errors.md")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    dead = []
    for target in LINK.findall(FOREIGN_SPANS.sub("", path.read_text())):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            dead.append(target)

    assert dead == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_page_can_be_reached(path: Path) -> None:
    if path.name in ("README.md", "CHANGELOG.md"):
        return
    others = [other for other in PAGES if other != path]
    targets = {
        (other.parent / target.partition("#")[0]).resolve()
        for other in others
        for target in LINK.findall(other.read_text())
    }

    assert path in targets


def test_the_readme_shows_the_quickstart_example() -> None:
    example = (ROOT / "examples" / "quickstart.yaml").read_text()
    definitions = example[example.index("definitions:") :]

    assert definitions in (ROOT / "README.md").read_text()
    assert definitions in page("quickstart.md")


def test_the_faults_in_the_reference_are_those_that_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from conductor_cli.main import cli

    section = page("reference/definitions.md").partition("## Errors")[2]
    broken, said = re.findall(r"```(?:yaml)?\n(.*?)```", section, re.DOTALL)[:2]
    (tmp_path / "broken.yaml").write_text(broken)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(cli, ["validate", "broken.yaml"])

    assert result.output == said
    assert result.exit_code == 1


def test_the_picture_is_of_the_example_as_it_is() -> None:
    from conductor_cli.declarations import read_valid
    from conductor_cli.pictures import of_graph
    from conductor_server.drawing import formats

    drawn = formats.render(
        of_graph(read_valid((str(ROOT / "examples" / "flights"),)).graph, title="flights"), formats.Format.SVG
    )

    assert drawn == (DOCS / "images" / "flights.svg").read_bytes(), (
        "run: conductor-cli graph --definitions examples/flights --format svg --output docs/images/flights.svg"
    )


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")
        for heading in HEADING.findall(re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL))
    }
