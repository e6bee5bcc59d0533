"""Server, agent and command line over TLS, with a certificate that nobody but them trusts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.nights import declare
from tests.support.processes import Home, seen

pytestmark = pytest.mark.e2e


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    argv = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=conductor"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(argv, check=True, capture_output=True)
    return certificate, key


def test_all_three_speak_tls(home: Home, certificate: tuple[Path, Path]) -> None:
    trusted, key = map(str, certificate)
    definitions = home.path.parent / "definitions.yaml"
    declare(definitions, [{"name": "load", "shell": {"argv": ["true"]}}])
    home.serve(
        *("--tls-certificate", trusted, "--tls-key", key, "--definitions", str(definitions)),
        *("--listen", "0.0.0.0:0"),  # which TLS allows
    )
    server = f"127.0.0.1:{home.announced()['address'].rpartition(':')[2]}"
    agent = home.run(
        "conductor-agent",
        "--source",
        "shell",
        "--once",
        "--idle-exit",
        "3s",
        "--server",
        server,
        "--ca",
        trusted,
    )
    assert agent.returncode == 0, agent.stderr

    def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return home.run("conductor-cli", "--server", server, *arguments, **environment)

    seen(lambda: '"succeeded": 1' in cli("--ca", trusted, "status", "-o", "json").stdout)
    assert cli("status", CONDUCTOR_CA=trusted).returncode == 0
    plain = cli("status")
    assert (plain.returncode, plain.stdout) == (3, "")
    stranger = cli("--tls", "status")
    assert stranger.returncode == 3
    assert "cannot be trusted" in stranger.stderr
    assert "--ca" in stranger.stderr
    missing = cli("--ca", "nowhere.pem", "status")
    assert (missing.returncode, "cannot be read" in missing.stderr) == (1, True)
