"""A real Prometheus scrapes the real exporter through TLS, with a client certificate and a password."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import jsonschema
import pytest
import yaml

from tests.harness.business import Business
from tests.harness.certificates import self_signed
from tests.harness.process import exporter, until
from tests.monitoring.servers import binary
from tests.web.test_status_api import PUBLISHED

pytestmark = pytest.mark.servers

PASSWORD = "planted-scrape-password-9c2e"


@contextlib.asynccontextmanager
async def prometheus(folder: Path, scrape: dict[str, Any]) -> AsyncIterator[str]:
    """Run a Prometheus with one job and yield its URL."""
    config = folder / "prometheus.yml"
    job = {"job_name": "booking-sync", "scrape_interval": "250ms", "scrape_timeout": "250ms", **scrape}
    config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    process = await asyncio.create_subprocess_exec(
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--web.listen-address=127.0.0.1:0",
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    seen: list[str] = []
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            seen.append(line.decode())
            # Since 3.0 the component stands between the words and the address.
            found = re.search(r'msg="?Listening on"? .*address=(127\.0\.0\.1:\d+)', seen[-1])
            if found and not url.done():
                url.set_result(f"http://{found[1]}")

    reader = asyncio.create_task(read(process.stderr))
    try:
        yield await asyncio.wait_for(url, 30)
    finally:
        process.terminate()
        await process.wait()
        await reader


def web_files(folder: Path) -> Path:
    self_signed(folder)
    self_signed(folder, "prometheus")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(8)).decode()
    file = folder / "web.yml"
    file.write_text(
        yaml.safe_dump(
            {
                "tls_server_config": {
                    "cert_file": "localhost.crt",
                    "key_file": "localhost.key",
                    "client_auth_type": "RequireAndVerifyClientCert",
                    "client_ca_file": "prometheus.crt",
                },
                "basic_auth_users": {"prometheus": hashed},
            }
        )
    )
    return file


async def test_prometheus_scrapes_through_tls_with_certificate_and_password(business: Business, tmp_path: Path) -> None:
    flag = f"--web.config.file={web_files(tmp_path)}"
    async with exporter(business.config(), flag) as running:
        assert running.url.startswith("https://127.0.0.1:")
        job = {
            "scheme": "https",
            "static_configs": [{"targets": [running.url.removeprefix("https://")]}],
            "basic_auth": {"username": "prometheus", "password": PASSWORD},
            "tls_config": {
                "ca_file": str(tmp_path / "localhost.crt"),
                "cert_file": str(tmp_path / "prometheus.crt"),
                "key_file": str(tmp_path / "prometheus.key"),
            },
        }
        async with prometheus(tmp_path, job) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:

            async def value(query: str) -> str | None:
                answer = (await client.get("/api/v1/query", params={"query": query})).json()
                return answer["data"]["result"][0]["value"][1] if answer["data"]["result"] else None

            async def is_one(query: str) -> bool:
                return await value(query) == "1"

            await until(lambda: is_one("up"), "a scrape to succeed")
            await until(lambda: is_one("min(booking_sync_collector_up)"), "every collector to be up")
            assert "3" == await value('sum(booking_sync_connections{status="synced"})')
            # Help and unit of a family arrive only when the format was understood.
            metadata = (await client.get("/api/v1/metadata", params={"metric": "booking_sync_connection_status"})).json()
            assert [{"gauge"}] == [{row["type"] for row in rows} for rows in metadata["data"].values()]
        assert PASSWORD not in running.raw


async def test_the_status_of_the_real_exporter_keeps_to_its_schema_and_shows_nothing_secret(business: Business) -> None:
    async with exporter(business.config(business.wix_target(aliases={}), business.bitrix24_target())) as running:
        await running.ready()
        business.site.connections.revoke_token(next(iter(business.site.connections)).id)

        async def broken() -> dict[str, Any] | None:
            found: dict[str, Any] = (await running.get("/api/v1/status")).json()
            return found if any(problem["reason"] for problem in found["problems"]) else None

        found = await until(broken, "the revoked token to be a problem")
        jsonschema.validate(found, yaml.safe_load(PUBLISHED.read_text()))
        assert "token_revoked" in {problem["reason"] for problem in found["problems"]}
        board = (await running.get("/")).text
        assert "The calendar&#39;s owner signs in again" in board
        for path in ("/", "/?q=salon", "/api/v1/status", "/config", "/metrics", "/-/ready"):
            text = (await running.get(path)).text
            assert [] == [secret for secret in business.secrets if secret in text], path
