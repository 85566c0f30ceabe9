#!/bin/sh
# Test a wheel as a user gets it. First every module of it is imported, and its program started, where nothing is installed
# but the wheel and what it asks for. Then the tests of what travels in it (pages, texts, files, commands) run against it, with
# the packages for development beside it and this folder's exporter/ out of reach (test_languages.py reads the sources).
set -eu
wheel=$1
folder=build/wheel-test
[ -f "$wheel" ] || { echo "there is no wheel $wheel; run: make wheel" >&2; exit 1; }
echo "testing $(basename "$wheel") with $("${PYTHON:-python3}" --version), in $folder"
rm -rf "$folder"
mkdir -p "$folder/tree"
"${PYTHON:-python3}" -m venv "$folder/venv"
python=$(pwd)/$folder/venv/bin/python
install() {
    "$python" -m pip install --disable-pip-version-check --quiet "$@"
}
install --require-hashes --requirement requirements.lock
install --no-deps --no-index "$wheel"
for name in *.md pyproject.toml compose.yaml Dockerfile config dashboards docs tests tools; do
    cp -R "$name" "$folder/tree/"
done
cd "$folder/tree"
"$python" - <<'PYTHON'
import importlib
import pkgutil

import exporter

assert "site-packages" in exporter.__file__, exporter.__file__
modules = [module.name for module in pkgutil.walk_packages(exporter.__path__, "exporter.") if "__main__" not in module.name]
for module in modules:
    importlib.import_module(module)
print(f"{len(modules)} modules can be imported with what the wheel asks for")
PYTHON
"$(dirname "$python")/booking-sync-exporter" --version
cd ../../..
install --require-hashes --requirement requirements-dev.lock
cd "$folder/tree"
"$python" -m pytest -q -n "${JOBS:-4}" --dist worksteal -m "not servers and not browser" \
    --ignore tests/web/test_languages.py \
    tests/cli tests/commands tests/config tests/fields tests/metrics tests/web
