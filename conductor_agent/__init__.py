"""The agent: claims runs of its sources and executes them as child processes."""

__version__ = "0.1.0"
