"""`conductor-cli schema`: what an editor needs to complete and check definition files."""

from __future__ import annotations

import click

from conductor_cli.output import show_json


@click.command("schema")
@click.option(
    "-o", "--format", "format", type=click.Choice(["json"]), default="json", help="There is no other."
)
def command(format: str) -> None:
    """Print the JSON Schema of definition files.

    With the plugins of this machine: each source's own keys are in it. In an editor with a YAML language server, write
    it to a file and put `# yaml-language-server: $schema=FILE` on top of the definitions.
    """
    from conductor_server.definitions.shape import file_shape

    show_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **file_shape().model_json_schema()})
