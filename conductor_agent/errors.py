"""What can go wrong, and who is told.

AgentError
├─ RunError              this run cannot be started: it ends FAILED, and the agent goes on
│   └─ NotAllowedError   … because the agent's allow-list does not have it
├─ UsageError            the agent was started wrongly: exit code 2
└─ RefusedError          the server will not have this agent: exit code 3
"""

from __future__ import annotations


class AgentError(Exception):
    """The root: its text is a sentence for people."""


class RunError(AgentError):
    """A run cannot be started as it stands; the text becomes the run's error."""


class NotAllowedError(RunError):
    """The agent's allow-list does not permit what the run asks for."""


class UsageError(AgentError):
    """Options, files or folders of the agent itself are wrong."""


class RefusedError(AgentError):
    """The server refused the agent's first registration: wrong token, protocol, source, or a name that is taken."""
