"""``python -m conductor_agent``."""

from conductor_agent.cli import main

main()
