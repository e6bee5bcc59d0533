"""`--help` is asked for most of all, and imports next to nothing."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ["grpc", "google", "sqlalchemy", "networkx", "rich", "pydantic", "yaml", "graphlay", "resvg_py"]

PROBE = f"""
import sys
from click.testing import CliRunner
from conductor_cli.main import cli
before = set(sys.modules)
result = CliRunner().invoke(cli, sys.argv[1:])
assert result.exit_code == 0, result.output
print(*(name for name in {HEAVY} if name in sys.modules))
"""


def test_help_imports_nothing_heavy() -> None:
    for arguments in (["--help"], ["slots", "list", "--help"], ["graph", "--help"], ["completion", "zsh"]):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "", arguments
