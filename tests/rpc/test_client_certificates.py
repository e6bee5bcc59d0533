"""A certificate of the clients' authority as a credential: only its URI counts, and only what TLS has verified."""

from __future__ import annotations

import datetime as dt
import ipaddress
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_server import app
from conductor_server.config import Settings
from tests.rpc.playing import Played
from tests.support.server import QUICK, Served


class Authority:
    """Issues certificates, for tests."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._made("authority", self._key, self._key, None, [], ca=True)

    @property
    def pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names: x509.GeneralName, common_name: str = "somebody") -> tuple[bytes, bytes]:
        """A certificate for those names, and its key, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._made(common_name, key, self._key, self._certificate, list(names), ca=False)
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return (
            made.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(serialization.Encoding.PEM, *form),
        )

    @staticmethod
    def _made(
        name: str, key: Any, by: Any, issuer: Any, names: list[x509.GeneralName], *, ca: bool
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
            .not_valid_after(dt.datetime(2090, 1, 1, tzinfo=dt.UTC))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(by, hashes.SHA256())


AUTHORITY, STRANGERS = Authority(), Authority()
SERVER = AUTHORITY.issue(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


@pytest.fixture
async def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_template, home / "conductor.db")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    files = {"certificate": SERVER[0], "key": SERVER[1], "ca": AUTHORITY.pem}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    settings = Settings(
        **{
            "CONDUCTOR_LISTEN": "127.0.0.1:0",
            "CONDUCTOR_METRICS_LISTEN": "127.0.0.1:0",
            "CONDUCTOR_TLS_CERTIFICATE": str(tmp_path / "certificate"),
            "CONDUCTOR_TLS_KEY": str(tmp_path / "key"),
            "CONDUCTOR_TLS_CLIENT_CA": str(tmp_path / "ca"),
            **QUICK,
        }
    )
    async with app.serve(settings, home=home) as running:
        yield Served(
            address=running.address,
            metrics_address=running.metrics_address,
            home=home,
            token="",
            channel=None,  # type: ignore[arg-type]  # each test dials with a certificate of its own
            definitions=home,
        )


class Bare(Served):
    """Sends no token."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


@asynccontextmanager
async def dialled(served: Served, identity: tuple[bytes, bytes] | None) -> AsyncIterator[Served]:
    certificate, key = identity or (None, None)
    credentials = grpc.ssl_channel_credentials(AUTHORITY.pem, key, certificate)
    async with grpc.aio.secure_channel(served.address, credentials) as channel:
        yield Bare(**{name: getattr(replace(served, channel=channel), name) for name in served.__slots__})


async def asked(client: Served) -> str:
    """What the code of a call for viewers is."""
    try:
        await client.ask("GetStatus", pb.GetStatusRequest())
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        pytest.param(AUTHORITY.issue(uri("conductor://user/viewer/desk")), "OK", id="a-viewer"),
        pytest.param(AUTHORITY.issue(uri("conductor://agent/etl-1")), "PERMISSION_DENIED", id="an-agent"),
        pytest.param(AUTHORITY.issue(), "UNAUTHENTICATED", id="nobody"),
        pytest.param(AUTHORITY.issue(uri("conductor://user/owner/desk")), "UNAUTHENTICATED", id="no-role"),
        pytest.param(AUTHORITY.issue(uri("conductor://user/admin/a/b")), "UNAUTHENTICATED", id="no-name"),
        pytest.param(AUTHORITY.issue(uri("xconductor://user/admin/a")), "UNAUTHENTICATED", id="prefix"),
        pytest.param(AUTHORITY.issue(common_name="conductor://user/admin/desk"), "UNAUTHENTICATED", id="cn"),
        pytest.param(
            AUTHORITY.issue(x509.DNSName("conductor://user/admin/desk")), "UNAUTHENTICATED", id="dns"
        ),
        pytest.param(
            AUTHORITY.issue(uri("conductor://user/viewer/a"), uri("conductor://user/admin/a")),
            "UNAUTHENTICATED",
            id="two",
        ),
        pytest.param(STRANGERS.issue(uri("conductor://user/admin/desk")), "UNAVAILABLE", id="stranger"),
        pytest.param(None, "UNAVAILABLE", id="none"),
    ],
)
async def test_who_a_certificate_is(served: Served, identity: tuple[bytes, bytes] | None, code: str) -> None:
    async with dialled(served, identity) as client:
        assert await asked(client) == code


async def test_an_agent_is_the_one_of_its_certificate(served: Served) -> None:
    async with dialled(served, AUTHORITY.issue(uri("conductor://agent/etl-1"))) as client:
        await Played(client, "etl-1").register()
        with pytest.raises(grpc.aio.AioRpcError, match="may not register agent etl-2, but etl-1"):
            await Played(client, "etl-2").register()


async def test_a_token_beside_a_certificate_has_to_be_good(served: Served) -> None:
    home = (served.home / "token").read_text().strip()
    async with dialled(served, AUTHORITY.issue(uri("conductor://user/viewer/desk"))) as client:
        assert await asked(client.with_token("garbage")) == "UNAUTHENTICATED"
    async with dialled(served, AUTHORITY.issue()) as client:
        assert await asked(client.with_token(home)) == "OK"
