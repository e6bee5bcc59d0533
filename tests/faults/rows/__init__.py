"""The rows, in the order in which the page has them."""

from tests.faults.rows import processes, loads, databases, servers, disks, networks, clocks  # noqa: I001 - this order

__all__ = ["clocks", "databases", "disks", "loads", "networks", "processes", "servers"]
