#!/bin/sh
# Install what the end-to-end tests drive: Prometheus with promtool, Alertmanager with amtool, Chromium, Node with Grafana's
# own code from npm, and Radicale and xandikos from PyPI. With "alerting" only the first two. With "--check" nothing is
# installed: what is missing is named, which is an error in CI.
set -eu
grafana=$(dirname "$0")/grafana
root=$(dirname "$0")/../..
calendars=$root/build/calendar-servers
check=
[ "${1:-}" != --check ] || { check=yes; shift; }
only=${1:-all}

# The packages that are missing, each with a space before it.
missing_packages() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null || printf ' prometheus'
    command -v prometheus-alertmanager >/dev/null && command -v amtool >/dev/null || printf ' prometheus-alertmanager'
    [ "$only" != alerting ] || return 0
    command -v chromium >/dev/null || printf ' chromium fonts-dejavu-core'
    command -v node >/dev/null && command -v npm >/dev/null || printf ' nodejs npm'
}

install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "not installed:$1; tests that need them are skipped (to run them: sudo apt-get install$1)" >&2
        return
    fi
    echo "installing$1"
    # The packages start their daemons; the tests start their own on free ports.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1 >/dev/null
}

# npm writes this file last; it is older than the lock file when that has changed.
grafana_is_there() {
    installed=$grafana/node_modules/.package-lock.json
    [ -e "$installed" ] && [ -z "$(find "$grafana/package-lock.json" -newer "$installed")" ]
}

install_grafana() {
    grafana_is_there && return
    echo "installing Grafana's code from npm"
    (cd "$grafana" && npm ci --silent && touch node_modules/.package-lock.json) ||
        echo "not installed: npm ci failed in $grafana; tests that need Grafana's code are skipped" >&2
}

# pip's run is over when this file is written; it is older than the lock when that has changed.
calendars_are_there() {
    [ -e "$calendars/.installed" ] && [ -z "$(find "$root/requirements-calendars.lock" -newer "$calendars/.installed")" ]
}

install_calendars() {
    calendars_are_there && return
    echo "installing Radicale and xandikos from PyPI"
    (
        rm -rf "$calendars"
        "${PYTHON:-python3}" -m venv "$calendars" &&
            "$calendars/bin/python" -m pip install --disable-pip-version-check --quiet --require-hashes \
                --requirement "$root/requirements-calendars.lock" &&
            touch "$calendars/.installed"
    ) || echo "not installed: pip failed in $calendars; tests that need Radicale and xandikos are skipped" >&2
}

missing=$(missing_packages)
if [ "$check" ]; then
    if [ "$only" != alerting ]; then
        grafana_is_there || missing="$missing${missing:+,} Grafana's code"
        calendars_are_there || missing="$missing${missing:+,} Radicale and xandikos"
    fi
    [ "$missing" ] || exit 0
    echo "not installed:$missing; tests that need them are skipped; to install them run: make servers" >&2
    [ -z "${CI:-}" ]
    exit
fi
[ -z "$missing" ] || install_packages "$missing"
[ "$only" != alerting ] || exit 0
! command -v npm >/dev/null || install_grafana
install_calendars
