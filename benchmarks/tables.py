"""Tables of the generated pages, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], *rows: Sequence[str]) -> str:
    """Figures stand at the right, what they are of at the left."""
    return "\n".join(
        f"| {' | '.join(cells)} |" for cells in (head, ["---", *["--:"] * (len(head) - 1)], *rows)
    )
