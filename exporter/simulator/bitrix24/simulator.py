"""All simulated portals, and the way a call takes through them (bitrix24.md sections 1, 6, 7, 8)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from exporter.simulator.bitrix24.address import Address, locate, read_params
from exporter.simulator.bitrix24.errors import ApiError, error_body
from exporter.simulator.bitrix24.execution import Caller, CallTooLongError, Execution
from exporter.simulator.bitrix24.methods import METHODS, is_write
from exporter.simulator.bitrix24.oauth import App, AuthServer, Pair
from exporter.simulator.bitrix24.portal import Portal
from exporter.simulator.bitrix24.switches import Switches
from exporter.simulator.bitrix24.webhook import Webhook
from exporter.simulator.platform import Call, Description, Reply, html_reply, json_reply
from exporter.simulator.requestlog import MASK, fingerprint
from exporter.simulator.stage import Stage

DEFAULT_SCOPES: Final = frozenset({"booking", "crm"})
CALENDAR_SCOPES: Final = DEFAULT_SCOPES | {"calendar"}
"""What a webhook needs where bookings have copies in the staff's calendar."""


class Bitrix24Simulator:
    """The Bitrix24 side of a :class:`~exporter.simulator.simulator.Simulator`.

    One origin serves every portal; the credential tells which one a call is for.
    """

    name = "bitrix24"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.reset()

    def reset(self) -> None:
        self.switches = Switches()
        self.portals: dict[str, Portal] = {}
        self.oauth = AuthServer(self._stage.random_for("bitrix24", "oauth"))
        self._webhooks: dict[tuple[str, str], Webhook] = {}

    # Building the world

    def add_portal(self, name: str) -> Portal:
        """Add an empty portal."""
        portal = Portal(name, self._stage.now, self._stage.random_for("bitrix24", name))
        self.portals[name] = portal
        return portal

    def add_webhook(
        self,
        portal: Portal,
        *,
        code: str | None = None,
        user_id: int = 1,
        scopes: frozenset[str] = DEFAULT_SCOPES,
        expires: float = float("inf"),
    ) -> Webhook:
        """Create an incoming webhook; the code is drawn from the portal's generator unless given.

        ``expires`` is in Unix seconds.
        """
        webhook = Webhook(portal, user_id, code or portal.random.randbytes(8).hex(), scopes, expires)
        self._webhooks[str(user_id), webhook.code] = webhook
        return webhook

    def revoke_webhook(self, webhook: Webhook) -> None:
        """Delete the webhook in the portal's settings."""
        self._webhooks.pop((str(webhook.user_id), webhook.code), None)

    def restore_webhook(self, webhook: Webhook) -> None:
        """Undo :meth:`revoke_webhook`."""
        self._webhooks[str(webhook.user_id), webhook.code] = webhook

    def add_app(
        self,
        portal: Portal,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        scopes: frozenset[str] = DEFAULT_SCOPES,
        user_id: int = 1,
        redirect_uri: str | None = None,
    ) -> App:
        """Install an application on the portal."""
        app = App(
            client_id=client_id or f"local.{portal.random.randbytes(7).hex()}.{portal.random.randrange(10**8):08}",
            client_secret=client_secret or portal.random.randbytes(25).hex(),
            portal=portal,
            scopes=scopes,
            user_id=user_id,
            redirect_uri=redirect_uri,
        )
        self.oauth.add_app(app)
        return app

    def issue(self, app: App) -> Pair:
        """Return a token pair for ``app``, as after an authorisation now."""
        return self.oauth.issue(app, self._stage.now())

    # Serving

    def owns(self, path: str) -> bool:
        return path.startswith(("/rest/", "//rest/", "/oauth/token", "/oauth/authorize"))

    def describe(self, call: Call) -> Description:
        if call.path.startswith("/oauth/"):
            operation = "oauth/token" if call.path.startswith("/oauth/token") else "oauth/authorize"
            return Description(operation, call.path, credential=dict(call.query_pairs()).get("client_id", ""))
        address = locate(call.path)
        method = METHODS.get(address.method)
        name = method.name if method else address.method if address.method == "batch" else "unknown"
        if address.user_id is not None:
            credential, secret = fingerprint(address.code), address.code
        else:
            secret = str(read_params(call).get("auth", ""))
            pair = self.oauth.pair(secret)
            credential = pair.app.client_id if pair else fingerprint(secret)
        path = call.path.replace(address.code, MASK) if address.code else call.path
        return Description(name, path, credential, write=is_write(address.method), secrets=(secret,))

    async def answer(self, call: Call) -> Reply:
        now = self._stage.now()
        if call.path.startswith("/oauth/token"):
            return self.oauth.token(call, now)
        if call.path.startswith("/oauth/authorize"):
            return self.oauth.authorize(call, now)
        try:
            return self._rest(call, now)
        except ApiError as error:
            return json_reply(error_body(error, self.switches), error.status)
        except CallTooLongError:
            return html_reply(504, "504 Gateway Time-out")

    def advance(self) -> None:
        for portal in self.portals.values():
            portal.diary.advance()

    def overview(self) -> object:
        now = self._stage.now()
        return {
            "portals": {
                name: {
                    "bookings": len(portal.world.bookings()),
                    "linked": sum(bool(booking.crm_links) for booking in portal.world.bookings()),
                    "resources": len(portal.world.resources),
                    "bucket": portal.bucket_level(now),
                    "overloaded": portal.overloaded,
                }
                for name, portal in self.portals.items()
            },
            "token_refreshes": self.oauth.refreshes,
        }

    def _rest(self, call: Call, now: float) -> Reply:
        address = locate(call.path)
        if address.malformed:
            raise ApiError(*address.malformed)
        params = read_params(call)
        caller = self._caller(call, address, params, now)
        portal = caller.portal
        if (moved := _moved(call, portal)) is not None:
            return moved
        if call.method == "GET" and portal.address and self.switches.get_fails_at_new_address:
            raise ApiError("INVALID_REQUEST", "A redirected POST arrived as GET, without its body.")
        if not portal.admit(call.client, now):
            raise ApiError("QUERY_LIMIT_EXCEEDED", "Too many requests", 503)
        # The order of the checks hides a missing scope behind a wrong credential, as the real one does (bitrix24.md 8.2).
        if portal.overloaded:
            raise ApiError("OVERLOAD_LIMIT", "REST API is blocked due to overload.", 503)
        if portal.refusal:
            raise portal.refusal
        execution = Execution(caller, self.switches, self._stage.log, now)
        return json_reply(
            execution.batch(params) if address.method == "batch" else execution.direct(address.method, params),
            headers=execution.headers(),
        )

    def _caller(self, call: Call, address: Address, params: dict[str, object], now: float) -> Caller:
        if address.user_id is not None:
            if self.switches.https_only and call.scheme != "https":
                raise ApiError("INVALID_REQUEST", "Https required.")
            webhook = self._webhooks.get((address.user_id, address.code))
            if webhook is None or now >= webhook.expires:
                word, status = self.switches.unknown_webhook
                raise ApiError(word, _AUTH_TEXTS.get(word, "Invalid request credentials"), status)
            return Caller(webhook.portal, f"webhook {fingerprint(webhook.code)}", webhook.scopes)
        token = params.pop("auth", None)
        if not isinstance(token, str) or not token:
            raise ApiError("NO_AUTH_FOUND", _AUTH_TEXTS["NO_AUTH_FOUND"], 401)
        pair = self.oauth.pair(token)
        if pair is None:
            word, status = self.switches.unknown_token
            raise ApiError(word, _AUTH_TEXTS.get(word, "Unable to get application by token"), status)
        if now >= pair.access_ends:
            raise ApiError("expired_token", "The access token provided has expired.", 401)
        return Caller(pair.app.portal, f"app {pair.app.client_id}", pair.app.scopes)


_AUTH_TEXTS: Final = {
    "NO_AUTH_FOUND": "Wrong authorization data",
    "INVALID_CREDENTIALS": "Invalid request credentials",
    "invalid_token": "Unable to get application by token",
}


def _moved(call: Call, portal: Portal) -> Reply | None:
    """Return the redirect of a renamed portal for a call that came to its old address."""
    if portal.address is None or call.headers.get("host", "") == urlsplit(portal.address).netloc:
        return None
    target = f"{portal.address}{call.path}{'?' if call.query else ''}{call.query}"
    page = html_reply(302, "302 Found")
    return Reply(page.status, page.body, page.content_type, (("location", target),))
