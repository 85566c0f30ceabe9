"""The authorization server and the portals' ``/oauth/authorize/`` (bitrix24.md 9.2).

Moments are Unix seconds of the simulator's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from urllib.parse import parse_qsl, urlencode

from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.platform import Call, Reply, html_reply, json_reply

ACCESS_SECONDS: Final = 3600.0
REFRESH_SECONDS: Final = 180 * 86_400.0
CODE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class App:
    """An application installed on a portal. Without ``redirect_uri`` the one in the browser's request counts."""

    client_id: str
    client_secret: str
    portal: Portal
    scopes: frozenset[str] = frozenset({"booking", "crm"})
    user_id: int = 1
    redirect_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token and the refresh token that came with it; moments in Unix seconds."""

    app: App
    access_token: str
    refresh_token: str
    access_ends: float
    refresh_ends: float
    spent: bool = False


class AuthServer:
    """Issues and rotates tokens.

    ``refuse_with`` answers every token request with this error word and HTTP status (``PAYMENT_REQUIRED``, or
    ``wrong_client`` with 200). ``lies`` stand in its answers instead of the truth (``client_endpoint``, ``server_endpoint``,
    ``member_id``). ``refreshes`` counts the refreshes that worked.
    """

    def __init__(self, random: Random) -> None:
        self.access_seconds = ACCESS_SECONDS
        self.refresh_seconds = REFRESH_SECONDS
        self.tolerates_spent = False
        self.old_access_dies = False
        self.refuse_with: tuple[str, int] | None = None
        self.lies: dict[str, object] = {}
        self.domain = "oauth.bitrix24.tech"
        self.status = "L"
        self.refreshes = 0
        self._random = random
        self._apps: dict[str, App] = {}
        self._codes: dict[str, tuple[App, float]] = {}
        self._by_access: dict[str, Pair] = {}
        self._by_refresh: dict[str, Pair] = {}

    def add_app(self, app: App) -> None:
        """Make ``app`` known."""
        self._apps[app.client_id] = app

    def app(self, client_id: str) -> App | None:
        """Return the application with this id."""
        return self._apps.get(client_id)

    def pair(self, access_token: str) -> Pair | None:
        """Return the pair of an access token, expired or not."""
        return self._by_access.get(access_token)

    def issue(self, app: App, now: float) -> Pair:
        """Return a new pair for ``app``."""
        pair = Pair(app, self._token(), self._token(), now + self.access_seconds, now + self.refresh_seconds)
        self._by_access[pair.access_token] = self._by_refresh[pair.refresh_token] = pair
        return pair

    def revoke(self, pair: Pair) -> None:
        """Make both tokens unknown, as when the application is removed from the portal."""
        self._by_access.pop(pair.access_token, None)
        self._by_refresh.pop(pair.refresh_token, None)

    def token_file(self, pair: Pair, origin: str, now: float) -> dict[str, object]:
        """Return the answer of a refresh that gave ``pair``, for portals served at ``origin``: what a client keeps on disk."""
        return self._answer(pair, origin, now) | {"expires": int(pair.access_ends), "user_id": pair.app.user_id}

    def authorize(self, call: Call, now: float) -> Reply:
        """Send the browser of a user who is signed in back to the application, with a code that lives 30 seconds."""
        query = dict(call.query_pairs())
        app = self._apps.get(query.get("client_id", ""))
        target = app and (app.redirect_uri or query.get("redirect_uri"))
        if app is None or not target:
            return html_reply(400, "Application not found")
        code = self._token()
        self._codes[code] = (app, now + CODE_SECONDS)
        back = {
            "code": code,
            "state": query.get("state", ""),
            "domain": call.headers.get("host", ""),
            "member_id": app.portal.member_id,
            "scope": ",".join(sorted(app.scopes)),
            "server_domain": self.domain,
        }
        location = f"{target}{'&' if '?' in target else '?'}{urlencode(back)}"
        return replace(html_reply(302, "302 Found"), headers=(("location", location),))

    def token(self, call: Call, now: float) -> Reply:
        """Answer ``/oauth/token/``."""
        given = dict(call.query_pairs())
        if call.content_type == "application/x-www-form-urlencoded":
            given |= dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
        if self.refuse_with:
            return _refused(*self.refuse_with)
        app = self._apps.get(given.get("client_id", ""))
        if app is None or given.get("client_secret") != app.client_secret:
            return _refused("invalid_client", 401)
        origin = f"{call.scheme}://{call.headers.get('host', '')}"
        match given.get("grant_type"):
            case "authorization_code":
                return self._first(app, given, origin, now)
            case "refresh_token":
                return self._refresh(app, given, origin, now)
            case _:
                return _refused("invalid_request", 400)

    def _first(self, app: App, given: Mapping[str, str], origin: str, now: float) -> Reply:
        owner, ends = self._codes.pop(given.get("code", ""), (None, 0.0))
        if owner is not app or now >= ends:
            return _refused("invalid_grant", 400)
        return json_reply(self._answer(self.issue(app, now), origin, now) | self.lies)

    def _refresh(self, app: App, given: Mapping[str, str], origin: str, now: float) -> Reply:
        old = self._by_refresh.get(given.get("refresh_token", ""))
        if old is None or old.app is not app or now >= old.refresh_ends or (old.spent and not self.tolerates_spent):
            return _refused("invalid_grant", 400)
        self._by_refresh[old.refresh_token] = replace(old, spent=True)
        if self.old_access_dies:
            self._by_access.pop(old.access_token, None)
        self.refreshes += 1
        return json_reply(self.token_file(self.issue(app, now), origin, now) | self.lies)

    def _answer(self, pair: Pair, origin: str, now: float) -> dict[str, object]:
        portal = pair.app.portal
        return {
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_in": int(pair.access_ends - now),
            "scope": ",".join(sorted(pair.app.scopes)),
            # The authorization server, not the portal: who builds the portal's URL from it calls the wrong host.
            "domain": self.domain,
            "client_endpoint": portal.client_endpoint or f"{portal.address or origin}/rest/",
            "server_endpoint": f"{origin}/rest/",
            "member_id": portal.member_id,
            "status": self.status,
        }

    def _token(self) -> str:
        return self._random.randbytes(35).hex()


_TEXTS: Final = {
    "invalid_client": "The client_id or client_secret is wrong.",
    "invalid_grant": "The code or refresh token is wrong, spent or expired.",
    "invalid_request": "The request lacks a parameter.",
    "PAYMENT_REQUIRED": "Payment required",
    "NOT_INSTALLED": "Application not installed",
}


def _refused(error: str, status: int) -> Reply:
    return json_reply({"error": error, "error_description": _TEXTS.get(error, error)}, status)
