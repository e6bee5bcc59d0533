"""A peer's side of ``Peer``: a number of jobs comes in a line, the seconds that they took go out in one.

``python -m benchmarks.peers.work NAME DATABASE-URL``
"""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Until nobody asks any more."""
    _, name, url = sys.argv
    with import_module(f"benchmarks.peers.{name}_worker").worker(url) as drain:
        for line in sys.stdin:
            print(drain(int(line)), flush=True)


if __name__ == "__main__":
    main()
