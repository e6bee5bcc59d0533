"""Programs that run as the command of a run: each is started with ``python -m``, and imports as little as it can."""
