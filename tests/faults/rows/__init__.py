"""The rows, in the order in which the page has them."""

from tests.faults.rows import processes, loads, databases, disks, networks, clocks  # noqa: I001 - their order counts

__all__ = ["clocks", "databases", "disks", "loads", "networks", "processes"]
