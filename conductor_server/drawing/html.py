"""The picture as one HTML file that needs nothing else: zoom, pan, and neighbourhoods to point at."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib import resources

from conductor_server.drawing import letters, svg
from conductor_server.drawing.picture import Picture


def render(picture: Picture) -> str:
    """A whole document.

    Its policy lets only its own script and styles run, named by their digests: were something of the data to
    slip through the escaping, the browser would still not run it.
    """
    folder = resources.files("conductor_server.drawing")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_digest(style)} {_digest(svg.STYLE)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(letters.printable(picture.title or "Dependency graph"))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<form class="tools" role="search">
<input type="search" placeholder="Find a definition" aria-label="Find a definition" autocomplete="off">
<button type="button" data-zoom="0.8" aria-label="Zoom in">+</button>
<button type="button" data-zoom="1.25" aria-label="Zoom out">−</button>
<button type="button" data-zoom="0" aria-label="Show everything">Fit</button>
</form>
{svg.render(picture)}<script>{script}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
