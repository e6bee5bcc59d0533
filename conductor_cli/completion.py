"""`conductor-cli completion`: the script that completes commands in a shell."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    For bash, put `eval "$(conductor-cli completion bash)"` into ~/.bashrc; zsh likewise. For fish:
    `conductor-cli completion fish > ~/.config/fish/completions/conductor-cli.fish`.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root()
    click.echo(found(root.command, {}, "conductor-cli", "_CONDUCTOR_CLI_COMPLETE").source())
