"""Canaries: secrets that real processes are given, and every place where none of them may turn up."""

from __future__ import annotations

import base64
import json
import operator
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import yaml

from tests.support.processes import Home, seen

pytestmark = pytest.mark.e2e

PASSWORD = "canary-Pa55/word%2B+of=the&warehouse"
KEY = "canary-key-of-a-python-function"
STORE = "canary-password-of-the-store"

DEFINITIONS = {
    "version": 1,
    "defaults": {
        "frequency": "one_off",
        "starts_on": "2026-01-01",
        "retry_policy": {"standard": {"attempts": 1}},
    },
    "definitions": [
        {
            "name": name,
            "source": "stored_procedure",
            "stored_procedure": {"database": f"${{env:{variable}}}", "procedure": "agg.x"},
        }
        for name, variable in (
            ("unreachable", "UNREACHABLE"),
            ("malformed", "MALFORMED"),
            ("strange", "STRANGE"),
        )
    ]
    + [
        {
            "name": name,
            "source": "python",
            "python": {"callable": f"jobs:{name}", "arguments": {"key": "${env:API_KEY}"}},
        }
        for name in ("works", "raises", "crashes", "says", "shouts")
    ]
    + [
        {
            "name": "echoes",
            "source": "shell",
            "shell": {
                "script": 'printf "key " >&2; echo "$KEY $KEY" >&2; exit 1',
                "environment": {"KEY": "${env:API_KEY}"},
            },
        }
    ]
    + [{"name": "looks", "source": "shell", "shell": {"script": "env | grep -c CONDUCTOR_TOKEN; exit 0"}}],
}

JOBS = """
import os, signal
def works(key): return {"length": len(key)}
def raises(key): return works(key)["no such thing"]
def says(key): print("key", key); return {"key": key, key: [key]}
def shouts(key): raise ValueError(f"not {key}")
def crashes(key): os.kill(os.getpid(), signal.SIGSEGV)
"""

SECRETS = {
    "UNREACHABLE": f"postgresql://user:{quote(PASSWORD, safe='')}@127.0.0.1:1/d",
    "MALFORMED": f"postgresql://user:{PASSWORD}@[::1/d?nonsense",
    "STRANGE": f"oracle://user:{PASSWORD}@host/d",
    "API_KEY": KEY,
}


def forms(secret: str) -> Iterator[bytes]:
    """How it may be written."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield base64.b64encode(secret.encode())


def files_with(folder: Path, secret: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and leaks(_read(path), secret)]


def leaks(text: bytes, *secrets: str) -> list[str]:
    return [secret for secret in secrets for form in forms(secret) if form in text]


def test_no_secret_turns_up_where_it_has_no_business(home: Home) -> None:
    folder = home.path.parent
    (folder / "jobs.py").write_text(JOBS)
    (folder / "definitions.yaml").write_text(yaml.safe_dump(DEFINITIONS))
    server = home.serve("--definitions", str(folder / "definitions.yaml"), "--metrics-listen", "127.0.0.1:0")
    token = (home.path / "token").read_text().strip()
    agent = home.start(
        "conductor-agent",
        *("--source", "stored_procedure", "--source", "python", "--source", "shell", "--name", "one"),
        CONDUCTOR_TOKEN=token,
        **SECRETS,
    )

    def ended() -> list[str]:
        runs = home.json("runs", "list", "--limit", "0")["runs"]
        return sorted(run["definition"] for run in runs if run["status"] in ("success", "failed"))

    names = sorted(str(each["name"]) for each in DEFINITIONS["definitions"])  # type: ignore[index,union-attr]
    seen(ended, lambda found: sorted(set(found)) == names)

    lines = [Path(f"/proc/{process.pid}/cmdline") for process in psutil.process_iter()]
    processes = b"\0".join(_read(line) for line in lines)
    commands = [("status",), ("runs", "list"), ("slots", "list"), ("definitions", "list"), ("agents", "list")]
    runs = home.json("runs", "list", "--limit", "0")["runs"]
    shown = "".join(home.cli(*command, "-o", "json") for command in commands) + home.cli("runs", "list")
    shown += "".join(home.cli("runs", "show", str(run["id"])) for run in runs)
    shown += "".join(home.cli("runs", "logs", str(run["id"])) for run in runs)
    metrics = next(word for word in server.said.split() if word.startswith("metrics=")).partition("=")[2]
    pages = b"".join(_page(f"http://{metrics}/{name}") for name in ("metrics", "health"))
    [looked] = [run["id"] for run in runs if run["definition"] == "looks"]

    assert home.cli("runs", "logs", str(looked)).strip() == "0", "commands are not given the agent's token"
    for secret in (PASSWORD, KEY, token):
        assert not leaks(processes, secret)
        assert not leaks(shown.encode(), secret)
        assert not leaks(pages, secret)
        assert not leaks((server.said + agent.said).encode(), secret)
        # What commands write stays in the agent's journal, as they wrote it, until the server has its output.
        expected = ["token"] if secret == token else []
        seen(partial(files_with, home.path, secret), partial(operator.eq, expected))
    said = {run["definition"]: home.cli("runs", "logs", str(run["id"])) for run in runs}
    assert "key [secret API_KEY]\n" in said["says"]
    assert "key [secret API_KEY] [secret API_KEY]\n" in said["echoes"]
    assert "not [secret API_KEY]" in said["shouts"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"postgresql://user:{STORE}@127.0.0.1:1/d", id="unreachable"),
        pytest.param(f"postgresql://user:{STORE}@127.0.0.1:port/d", id="no-port"),
        pytest.param(f"oracle://user:{STORE}@127.0.0.1/d", id="another-database"),
        pytest.param(f"postgresql:/user:{STORE}@127.0.0.1/d", id="no-url"),
    ],
)
def test_the_password_of_the_store_is_not_told(home: Home, url: str) -> None:
    done = home.run("conductor-server", CONDUCTOR_DATABASE=url)

    assert done.returncode != 0
    assert not leaks((done.stdout + done.stderr).encode(), STORE)
    assert "database" in done.stderr + done.stdout


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def _page(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 - our own page
        return bytes(answer.read())
