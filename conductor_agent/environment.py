"""What a command finds in its environment: the agent's own, without its credentials, and the run it is for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conductor_agent import pipes
from conductor_agent.model import Run
from conductor_agent.placeholders import instant

_AGENTS_OWN = frozenset(
    {
        "CONDUCTOR_TOKEN",
        "CONDUCTOR_TOKEN_FILE",
        "CONDUCTOR_CLIENT_CERTIFICATE",
        "CONDUCTOR_CLIENT_KEY",
        "GRPC_ENABLE_FORK_SUPPORT",
    }
)


def inherited(agents: Mapping[str, str]) -> dict[str, str]:
    """The agent's environment as commands may see it, also through ``${env:NAME}``: never with its token.

    What a Python command prints reaches the run's log at once, unless the agent was started with something else.
    """
    return {"PYTHONUNBUFFERED": "1"} | {
        name: value for name, value in agents.items() if name not in _AGENTS_OWN
    }


def of_run(run: Run, folder: Path) -> dict[str, str]:
    """The ``CONDUCTOR_*`` variables and those of Dagster Pipes. ``folder`` is the run's, in the journal."""
    return {
        "CONDUCTOR_SLOT": run.slot,
        "CONDUCTOR_DEFINITION": run.definition,
        "CONDUCTOR_MEMBER": run.member.token,
        "CONDUCTOR_ACCOUNT": run.member.account,
        "CONDUCTOR_TIMEZONE": run.member.timezone,
        "CONDUCTOR_WINDOW_START": instant(run.window.start),
        "CONDUCTOR_WINDOW_END": instant(run.window.end),
        "CONDUCTOR_WINDOW_LABEL": run.window.label,
        "CONDUCTOR_ATTEMPT": str(run.attempt),
        "CONDUCTOR_RUN_ID": str(run.lease.run_id),
        "CONDUCTOR_EPOCH": str(run.lease.epoch),
        "CONDUCTOR_CHECKPOINT": str(folder / "checkpoint"),
        **pipes.environment(folder / "context", folder / "messages"),
    }
