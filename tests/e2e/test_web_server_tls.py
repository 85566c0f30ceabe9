"""TLS of the listening server over real sockets: versions, client certificates, certificates that are renewed while it runs."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from exporter.web import Server
from tests.harness.certificates import self_signed
from tests.harness.web_server import TLS, get, running, trusting, web_file


async def shown_serial(server: Server) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return x509.load_der_x509_certificate(shown).serial_number


def serial(certificate: Path) -> int:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


async def test_tls_serves_with_the_certificate_and_plain_http_gets_nothing(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async with running(web_file(tmp_path, TLS)) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        assert 200 == (await get(server, "/metrics", verify=trusting(certificate))).status_code
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"http://127.0.0.1:{server.port}/metrics")


async def test_an_old_tls_version_is_refused(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async with running(web_file(tmp_path, TLS + "  min_version: TLS13\n")) as server:
        old = trusting(certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(httpx.ConnectError):
            await get(server, verify=old)
        assert 200 == (await get(server, verify=trusting(certificate))).status_code


async def test_client_certificates_are_asked_for_and_verified(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)
    client, stranger = self_signed(tmp_path, "prometheus"), self_signed(tmp_path, "stranger")
    text = TLS + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: prometheus.crt\n"

    async with running(web_file(tmp_path, text)) as server:
        assert 200 == (await get(server, verify=trusting(certificate, client))).status_code
        for context in (trusting(certificate), trusting(certificate, stranger)):
            with pytest.raises(httpx.TransportError):
                await get(server, verify=context)


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async with running(web_file(tmp_path, TLS)) as server:
        first = serial(certificate)
        assert first == await shown_serial(server)
        self_signed(tmp_path)
        assert first != serial(certificate)
        assert serial(certificate) == await shown_serial(server)


async def test_a_certificate_whose_key_is_not_there_yet_waits_for_it(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    new_certificate, new_key = self_signed(new)

    async with running(web_file(tmp_path, TLS)) as server:
        first = serial(certificate)
        shutil.copy(new_certificate, certificate)
        assert first == await shown_serial(server)
        shutil.copy(new_key, key)
        assert serial(new_certificate) == await shown_serial(server)


async def test_a_swapped_symlink_is_a_renewed_certificate(tmp_path: Path) -> None:
    """Kubernetes changes a secret by swapping one symlink of a folder."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        self_signed(folder)
    data = tmp_path / "data"
    data.symlink_to(folders[0])
    text = "tls_server_config: {cert_file: data/localhost.crt, key_file: data/localhost.key}\n"

    async with running(web_file(tmp_path, text)) as server:
        assert serial(folders[0] / "localhost.crt") == await shown_serial(server)
        fresh = tmp_path / "fresh"
        fresh.symlink_to(folders[1])
        fresh.replace(data)
        assert serial(folders[1] / "localhost.crt") == await shown_serial(server)


async def test_an_open_connection_survives_a_renewed_certificate(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path)

    async with (
        running(web_file(tmp_path, TLS)) as server,
        httpx.AsyncClient(verify=trusting(certificate), trust_env=False) as client,
    ):
        assert 200 == (await client.get(f"{server.url}/-/healthy")).status_code
        self_signed(tmp_path)
        assert 200 == (await client.get(f"{server.url}/-/healthy")).status_code
