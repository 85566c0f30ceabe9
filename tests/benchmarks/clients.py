"""2,000 bad clients at once: what do a good scraper and a probe notice, and how large does the exporter grow?

The crowd of :mod:`tests.harness.crowd` comes from one address, as its victims do; the exporter watches 60 targets. Without TLS
and passwords, with TLS, and with both: then only the scraper is signed in. Printed for each: the p50, p99 and worst wait in
milliseconds, what failed, and the peak of resident memory.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import bcrypt
import httpx

from tests.harness.business import Business, with_business
from tests.harness.certificates import self_signed
from tests.harness.crowd import crowd
from tests.harness.good_clients import Waits, watch
from tests.harness.process import exporter
from tests.harness.web_server import TLS, trusting, web_file


def row(waits: Waits) -> str:
    seconds = sorted(waits.seconds)
    p50, p99, worst = (1000 * seconds[int(share * (len(seconds) - 1))] for share in (0.5, 0.99, 1.0))
    return f"{p50:.0f} / {p99:.0f} / {worst:.0f} ({len(seconds)} asked, {len(waits.failures)} failed)"


async def measure(business: Business, number: int, seconds: float, *, tls: bool, password: bool) -> None:
    certificate, _ = self_signed(business.folder)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    web = web_file(business.folder, (TLS if tls else "") + (f"basic_auth_users: {{prom: {hashed}}}\n" if password else ""))
    targets = [business.wix_target(f"site-{n}", collectors={"connections": {"interval": "10s"}}) for n in range(60)]
    async with exporter(business.config(*targets), f"--web.config.file={web}") as running:
        running.http = httpx.AsyncClient(verify=trusting(certificate) if tls else True, trust_env=False)
        await running.ready()
        verify, auth = trusting(certificate) if tls else True, httpx.BasicAuth("prom", "right") if password else None
        async with crowd(int(running.url.rpartition(":")[2]), number, tls=tls):
            seen = await watch(running.url, running.process.pid, seconds, verify=verify, auth=auth)
        what = " and ".join(word for word, on in (("TLS", tls), ("passwords", password)) if on) or "plain"
        print(f"| {what} | {row(seen.scraper)} | {row(seen.probe)} | {seen.peak} | {len(running.raw)} |", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=2000)
    arguments.add_argument("--seconds", type=float, default=15)
    given = arguments.parse_args()
    print("| | scraper, kept connection, ms | `/-/healthy`, new connections, ms | peak, MiB | log, bytes |")
    print("|---|---:|---:|---:|---:|")
    for tls, password in ((False, False), (True, False), (True, True)):
        with tempfile.TemporaryDirectory() as folder:

            async def scenario(business: Business, *, tls: bool = tls, password: bool = password) -> None:
                await measure(business, given.clients, given.seconds, tls=tls, password=password)

            with_business(Path(folder), scenario)


if __name__ == "__main__":
    main()
