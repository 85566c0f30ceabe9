"""The Grafana that has the bundled dashboards, for links of the status board."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import Field

from exporter.fields.links import Address, UidPrefix
from exporter.platforms.settings import Strict, default


class GrafanaAddress(Strict):
    """Where the bundled dashboards are."""

    url: Address = Field(description="Address of Grafana, as the browsers of people reach it.")
    uid_prefix: UidPrefix = default("booking-sync", "Prefix of the dashboards' uids, if `monitoring.yml` sets another one.")

    @property
    def fleet(self) -> str:
        """The address of the dashboard of all targets."""
        return self._dashboard("fleet")

    def target(self, name: str) -> str:
        """Return the address of the dashboard of one target."""
        return f"{self._dashboard('target')}?var-target={quote(name, safe='')}"

    def _dashboard(self, board: str) -> str:
        return f"{self.url.rstrip('/')}/d/{self.uid_prefix}-{board}"
