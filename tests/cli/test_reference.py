"""docs/reference/cli.md has every command and every option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from conductor_cli.client import ANSWERS
from conductor_cli.main import cli

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def test_every_command_and_option_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = re.split(r"^#+ ", text, flags=re.MULTILINE)
    everywhere = sections[1] + next(each for each in sections if each.startswith("Output"))

    for path, command in commands(cli, ()):
        section = next((each for each in sections if f"`{' '.join(path)}" in each.split("\n")[0]), "")
        assert section, f"{' '.join(path)} is not documented"
        for option in options(command):
            assert f"`{option}" in section + everywhere, f"{option} of {' '.join(path)} is not documented"


def test_options_of_every_command_are_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [option for option in options(cli) if f"`{option}" not in text] == []


def test_every_command_but_completion_speaks_json() -> None:
    silent = {" ".join(path) for path, command in commands(cli, ()) if "--format" not in options(command)}

    assert silent == {"completion"}


def test_answers_are_status_codes() -> None:
    import grpc

    assert {code.name for code in grpc.StatusCode} >= ANSWERS


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def options(command: click.Command) -> list[str]:
    return [max(each.opts, key=len) for each in command.params if isinstance(each, click.Option)]
