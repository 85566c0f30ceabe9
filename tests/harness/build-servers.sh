#!/bin/sh
# Build current servers from their Go modules into a folder: promtool and prometheus, amtool and alertmanager, vmalert and
# vmalert-tool. It takes about ten minutes the first time, and Go as new as they ask for. Their pages for browsers are left
# out; nothing here opens them. Usage: build-servers.sh FOLDER
set -eu

# The versions that are tried. Prometheus 3.16.0 is the Go module v0.316.0.
: "${PROMETHEUS:=3.16.0}" "${ALERTMANAGER:=0.35.0}" "${VICTORIAMETRICS:=1.151.0}"

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
command -v go >/dev/null || { echo "not built: there is no Go here (https://go.dev/doc/install)" >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)

# build MODULE VERSION LINKER-FLAGS PACKAGE...: nothing is done when that version was built before.
build() {
    module=$1 version=$2 flags=$3 stamp=$folder/.$(basename "$1")
    shift 3
    [ "$(cat "$stamp" 2>/dev/null)" != "$version" ] || return 0
    # The module's own go.mod decides what it is built with, and one pattern of files to embed needs a stub: so build in a copy.
    source=$folder/source
    rm -rf "$source"
    cp -R "$(go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')" "$source"
    chmod -R u+w "$source"
    if [ "$module" = github.com/prometheus/alertmanager ]; then
        for page in elm mantine; do
            mkdir -p "$source/ui/app/dist/$page"
            echo "This build has no pages for browsers." >"$source/ui/app/dist/$page/index.html"
        done
    fi
    for package; do
        name=$(basename "$package")
        echo "building $name $version"
        # remove_all_sd: without the libraries of all clouds, which are most of the work.
        (cd "$source" && GOWORK=off nice -n 15 go build -p 1 -buildvcs=false -tags remove_all_sd -ldflags "$flags" -o "$folder/$name" "./$package")
    done
    rm -rf "$source"
    echo "$version" >"$stamp"
}

version_flag=github.com/prometheus/common/version.Version
build github.com/prometheus/alertmanager "v$ALERTMANAGER" "-X $version_flag=$ALERTMANAGER" cmd/amtool cmd/alertmanager
build github.com/prometheus/prometheus "v0.$(echo "$PROMETHEUS" | awk -F. '{ printf "%d%02d.%d", $1, $2, $3 }')" \
    "-X $version_flag=$PROMETHEUS" cmd/promtool cmd/prometheus
build github.com/VictoriaMetrics/VictoriaMetrics "v$VICTORIAMETRICS" \
    "-X github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version=v$VICTORIAMETRICS" app/vmalert-tool app/vmalert
