"""Every path of docs/contract.md, "HTTP", over the real application without a socket."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.errors import ConfigError, ConfigProblem
from exporter.model import CollectorName, Shard
from exporter.state.discoveries import DiscoveryState
from exporter.state.snapshot import View
from exporter.web import Reloaded
from exporter.web.headers import DEFAULTS
from tests.harness import views
from tests.harness.views import BITRIX24, WIX
from tests.harness.web import ShownBackend, ask

TEXT = "text/plain; version=0.0.4; charset=utf-8"
GETS = ("/", "/metrics", "/api/v1/status", "/config", "/-/healthy", "/-/ready", "/runbooks/", "/runbooks/Watchdog")
CHANGES = ("/-/reload", "/-/log-level?level=debug", f"/-/poll?target={WIX}")


class BrokenBackend(ShownBackend):
    """Has a bug in every page that shows the view."""

    def view(self, site: str | None = None) -> View:
        raise RuntimeError("hunter2", site)


def healthy(*, lifecycle: bool = False) -> ShownBackend:
    return ShownBackend(views.healthy(), lifecycle=lifecycle)


def test_metrics_are_text_by_default() -> None:
    answer = ask(healthy(), "/metrics")
    assert 200 == answer.status_code
    assert answer.headers["content-type"] == TEXT
    assert "content-encoding" not in answer.headers
    assert 'booking_sync_collector_up{target="salon-wix",platform="wix",collector="connections"} 1.0' in answer.text


def test_metrics_are_openmetrics_on_request() -> None:
    answer = ask(healthy(), "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert "application/openmetrics-text; version=1.0.0; charset=utf-8" == answer.headers["content-type"]
    assert answer.text.endswith("# EOF\n")


def test_several_accept_headers_are_one_list() -> None:
    answer = ask(healthy(), "/metrics", headers=[("Accept", "text/plain;q=0.1"), ("Accept", "application/openmetrics-text")])
    assert answer.headers["content-type"].startswith("application/openmetrics-text")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/config", "/runbooks/", "/runbooks/Watchdog"])
def test_pages_are_compressed_for_who_takes_gzip(path: str) -> None:
    plain = ask(healthy(), path)
    answer = ask(healthy(), path, headers={"Accept-Encoding": "gzip"})
    assert "gzip" == answer.headers["content-encoding"]
    assert "Accept-Encoding" in answer.headers["vary"]
    assert int(answer.headers["content-length"]) < len(plain.content)
    assert plain.text.splitlines()[:5] == answer.text.splitlines()[:5]  # the client unpacks; the rest holds process metrics


def test_gzip_is_not_forced_on_who_refuses_it() -> None:
    assert "content-encoding" not in ask(healthy(), "/metrics", headers={"Accept-Encoding": "gzip;q=0, identity"}).headers


@pytest.mark.slow
def test_a_large_page_is_compressed_whole() -> None:
    rows = views.connections(*(views.connection(f"Chair {number}") for number in range(2_000)))
    state = views.succeeded(views.unpolled(WIX, "wix", CollectorName.CONNECTIONS), rows)
    backend = ShownBackend(views.view_of(views.target_of(WIX, "wix", [state])))
    answer = ask(backend, "/metrics", headers={"Accept-Encoding": "gzip"})
    assert len(answer.content) > 1_000_000
    assert answer.text.count('status="synced"} 1.0') >= 2_000


def test_head_has_the_headers_and_no_body() -> None:
    answer = ask(healthy(), "/metrics", "HEAD")
    assert 200 == answer.status_code
    assert answer.headers["content-type"] == TEXT
    assert int(answer.headers["content-length"]) > 1_000


def test_metrics_are_narrowed_to_the_asked_targets() -> None:
    answer = ask(healthy(), f"/metrics?target={WIX}")
    assert f'target="{WIX}"' in answer.text
    assert f'target="{BITRIX24}"' not in answer.text
    assert "booking_sync_build_info" in answer.text


def test_target_may_be_given_several_times() -> None:
    answer = ask(healthy(), f"/metrics?target={WIX}&target={BITRIX24}")
    assert f'target="{WIX}"' in answer.text
    assert f'target="{BITRIX24}"' in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/status"])
@pytest.mark.parametrize("query", ["target=nobody", f"target={WIX}&target=nobody"])
def test_an_unknown_target_is_not_found_and_named(path: str, query: str) -> None:
    answer = ask(healthy(), f"{path}?{query}")
    assert 404 == answer.status_code
    assert "No such target:\n'nobody'\n" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("method", "path"), [("GET", "/metrics"), ("GET", "/api/v1/status"), ("POST", "/-/poll")])
def test_where_targets_are_divided_who_asks_for_an_unknown_one_is_sent_to_the_other_shards(method: str, path: str) -> None:
    told = "The status board lists the targets of shard 1/3; another shard may watch what it does not list.\n"
    divided = ShownBackend(replace(views.healthy(), shard=Shard(1, 3)), lifecycle=True)
    assert f"No such target:\n'nobody'\n{told}" == ask(divided, f"{path}?target=nobody", method).text
    whole = ask(healthy(lifecycle=True), f"{path}?target=nobody", method).text
    assert "No such target:\n'nobody'\nThe status board lists all targets.\n" == whole


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/status"])
def test_an_empty_target_is_not_found(path: str) -> None:
    assert 404 == ask(healthy(), f"{path}?target=").status_code


@pytest.mark.slow
@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_what_only_reads_takes_only_get_and_head(path: str, method: str) -> None:
    answer = ask(healthy(lifecycle=True), path, method)
    assert 405 == answer.status_code
    assert {"GET", "HEAD"} == {name.strip() for name in answer.headers["allow"].split(",")}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_changes_takes_only_post_and_put(path: str, method: str) -> None:
    backend = healthy(lifecycle=True)
    answer = ask(backend, path, method)
    assert 405 == answer.status_code
    assert {"POST", "PUT"} == {name.strip() for name in answer.headers["allow"].split(",")}
    assert (0, "info", []) == (backend.reloads, backend.level, backend.polled)


@pytest.mark.parametrize("path", [*GETS, "/nowhere", "/-/reload", "/metrics?target=nobody"])
def test_every_answer_carries_the_security_headers(path: str) -> None:
    headers = ask(healthy(), path).headers
    assert [] == [name for name in DEFAULTS if name not in headers]
    assert "no-store" == headers["cache-control"]
    assert "nosniff" == headers["x-content-type-options"]
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_healthy_asks_nobody() -> None:
    answer = ask(BrokenBackend(views.healthy()), "/-/healthy")
    assert (200, "booking-sync-exporter is healthy.\n") == (answer.status_code, answer.text)


def test_ready_once_every_collector_has_finished_a_poll_even_a_failed_one() -> None:
    assert 200 == ask(ShownBackend(views.expired()), "/-/ready").status_code


class OpeningBackend(ShownBackend):
    """Its targets are still being opened, and then the stop comes."""

    @property
    def opening(self) -> bool:
        return True

    async def until_open(self) -> bool:
        return False


def test_not_ready_while_the_targets_are_being_opened_although_no_collector_is_missing() -> None:
    answer = ask(OpeningBackend(views.healthy()), "/-/ready")
    assert (503, "Not ready: the targets are being opened.\n") == (answer.status_code, answer.text)


@pytest.mark.parametrize(("path", "method"), [*((path, "GET") for path in GETS[:4]), ("/-/reload", "POST")])
def test_what_needs_the_targets_is_unavailable_when_the_stop_comes_first(path: str, method: str) -> None:
    answer = ask(OpeningBackend(views.healthy(), lifecycle=True), path, method)
    assert (503, "booking-sync-exporter is stopping.\n") == (answer.status_code, answer.text)


def test_a_standby_is_healthy_and_not_ready() -> None:
    assert 200 == ask(ShownBackend(views.standby()), "/-/healthy").status_code
    answer = ask(ShownBackend(views.standby()), "/-/ready")
    told = "Not ready: standby; another exporter is active, this one takes over when it ends.\n"
    assert (503, told) == (answer.status_code, answer.text)


@pytest.mark.parametrize("path", ["/metrics?target=salon-wix", "/api/v1/status?target=salon-wix"])
def test_a_standby_that_is_asked_for_a_target_is_up_and_has_nothing_to_say_of_it(path: str) -> None:
    answer = ask(ShownBackend(views.standby()), path)
    assert 200 == answer.status_code
    assert "salon-wix" not in answer.text


def test_not_ready_names_what_is_missing() -> None:
    answer = ask(ShownBackend(views.before_first_poll()), "/-/ready")
    assert 503 == answer.status_code
    assert [
        "Not ready: 4 collectors have not finished their first poll.",
        "salon-wix/connections",
        "salon-wix/bookings",
        "salon-b24/bookings",
        "salon-b24/links",
    ] == answer.text.splitlines()


def test_not_ready_names_the_rules_whose_sites_nobody_knows_yet() -> None:
    rules = (DiscoveryState("agency"), DiscoveryState("other", asked=True))
    answer = ask(ShownBackend(replace(views.healthy(), discoveries=rules)), "/-/ready")
    assert (503, "Not ready: the sites of discover[agency] have not been asked for yet.\n") == (answer.status_code, answer.text)


def test_not_ready_is_short_for_thousands_of_targets() -> None:
    targets = [
        views.target_of(f"site-{number}", "wix", [views.unpolled(f"site-{number}", "wix", collector)])
        for number in range(2_000)
        for collector in [CollectorName.BOOKINGS]
    ]
    lines = ask(ShownBackend(views.view_of(*targets)), "/-/ready").text.splitlines()
    assert 102 == len(lines)
    assert "and 1900 more" == lines[-1]


def test_a_process_that_does_not_work_is_not_healthy_and_says_why() -> None:
    backend = healthy()
    backend.ill = "no thread (fix: raise the limit)"
    answer = ask(backend, "/-/healthy")
    assert (503, "booking-sync-exporter is not healthy: no thread (fix: raise the limit)\n") == (
        answer.status_code,
        answer.text,
    )


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload_swaps_the_configuration(method: str) -> None:
    backend = healthy(lifecycle=True)
    assert 200 == ask(backend, "/-/reload", method).status_code
    assert 1 == backend.reloads


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Reloaded.CHANGED, "Reloaded.\n"),
        (Reloaded.SAME, "Reloaded. The configuration says the same as before.\n"),
        (Reloaded.UNTOUCHED, "Mount its folder.\n"),
    ],
)
def test_a_reload_that_found_nothing_new_says_so_and_is_a_success(found: Reloaded, said: str) -> None:
    backend = healthy(lifecycle=True)
    backend.found = found
    answer = ask(backend, "/-/reload", "POST")
    assert (200, True) == (answer.status_code, answer.text.endswith(said))
    assert (found is Reloaded.UNTOUCHED) is ("The file is unchanged" in answer.text)


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_changes_over_http_without_lifecycle(path: str) -> None:
    backend = healthy()
    answer = ask(backend, path, "POST")
    assert 403 == answer.status_code
    assert "--web.enable-lifecycle" in answer.text
    assert (0, "info", []) == (backend.reloads, backend.level, backend.polled)


def test_an_invalid_configuration_answers_with_every_problem() -> None:
    error = ConfigError(
        [ConfigProblem("targets[0].name", "missing", "give it a name"), ConfigProblem("", "unknown key", file="a.yml", line=3)]
    )
    answer = ask(ShownBackend(views.healthy(), lifecycle=True, config_error=error), "/-/reload", "POST")
    assert 500 == answer.status_code
    assert ["targets[0].name: missing (fix: give it a name)", "a.yml:3: unknown key"] == answer.text.splitlines()[1:]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)])
def test_other_web_sites_cannot_change_anything_through_a_browser(path: str, site: str, status: int) -> None:
    accepted = 202 if status == 200 and path.startswith("/-/poll") else status
    assert accepted == ask(healthy(lifecycle=True), path, "POST", {"Sec-Fetch-Site": site}).status_code


@pytest.mark.parametrize("level", ["debug", "info", "warn", "warning", "error"])
def test_the_log_level_changes_while_running(level: str) -> None:
    backend = healthy(lifecycle=True)
    assert 200 == ask(backend, f"/-/log-level?level={level}", "PUT").status_code
    assert backend.level == level


@pytest.mark.parametrize("query", ["?level=loud", "", "?level="])
def test_an_unknown_log_level_is_refused(query: str) -> None:
    backend = healthy(lifecycle=True)
    answer = ask(backend, f"/-/log-level{query}", "PUT")
    assert (400, "Give ?level=debug, info, warn or error.\n") == (answer.status_code, answer.text)
    assert "info" == backend.level


def test_the_configuration_is_plain_text() -> None:
    answer = ask(healthy(), "/config")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "api_key: '********'" in answer.text


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "/-/", "/api/v1/", "/%2e%2e/etc/passwd"])
def test_other_paths_are_not_found(path: str) -> None:
    assert 404 == ask(healthy(), path).status_code


@pytest.mark.parametrize("path", ["/", "/api/v1/status", "/-/ready", "/metrics?target=a"])
def test_a_bug_answers_500_without_a_word_about_the_inside(path: str) -> None:
    answer = ask(BrokenBackend(views.healthy()), path)
    assert 500 == answer.status_code
    assert "hunter2" not in answer.text
    assert "no-store" == answer.headers["cache-control"]


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "\u0663", "1e3", ""])
def test_an_odd_page_number_shows_a_page(page: str) -> None:
    assert 200 == ask(healthy(), f"/?page={page}").status_code
