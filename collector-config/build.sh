#!/bin/sh
# build.sh VERSION TARGET: puts an OpenTelemetry Collector at TARGET. Called by `make collector` from the repository's root.
# Takes, in this order: the binary that OTELCOL names, `otelcol-contrib` or `otelcol` on PATH, a build from builder.yaml.
set -eu
version=$1 target=$2
folder=$(dirname "$target")
mkdir -p "$folder"

# The demo and most tests do without a Collector: say why there is none, and leave nothing at TARGET, so that the next call
# looks again. In CI a missing Collector is an error.
give_up() {
  rm -f "$target"
  if [ "${CI:-}" = true ]; then
    echo "collector: $1" >&2
    exit 1
  fi
  echo "collector: going on without one: $1"
  exit 0
}

# Whether it has every part that our pipelines need: an old one, or one of another distribution, may not.
suits() { "$1" validate --config=collector-config/gateway.yaml --config=collector-config/tenants.yaml; }

use() {
  [ "$1" -ef "$target" ] || ln -sf "$1" "$target"
  echo "collector: $1"
  exit 0
}

if [ -n "${OTELCOL:-}" ]; then
  found=$(command -v "$OTELCOL") || { echo "collector: OTELCOL must name a program (got $OTELCOL)" >&2; exit 1; }
  case $found in /*) ;; *) found=$PWD/$found ;; esac
  suits "$found" || { echo "collector: $found does not accept collector-config/gateway.yaml" >&2; exit 1; }
  use "$found"
fi
for name in otelcol-contrib otelcol; do
  found=$(command -v "$name") || continue
  if suits "$found" >/dev/null 2>&1; then use "$found"; fi
  echo "collector: $found does not accept collector-config/gateway.yaml, so it is not used"
done

command -v go >/dev/null || give_up "there is no otelcol-contrib on PATH, and no Go to build one (or name one: OTELCOL=PATH)"
exec 9>"$folder/.lock"
if command -v flock >/dev/null; then flock 9; fi

echo "collector: building $version from collector-config/builder.yaml, once: about two minutes on two cores"
echo "collector: the demo runs without one, too: make demo COLLECTOR=no"
# shellcheck disable=SC2016  # the inner shell expands them
GOBIN="$PWD/$folder/bin" scripts/progress.sh collector "$folder/build.log" sh -c '
  echo "Compiling the builder"
  go install "go.opentelemetry.io/collector/cmd/builder@v$1" &&
    "$GOBIN/builder" --config collector-config/builder.yaml
' build "$version" || give_up "the build failed"
mv "$folder/build/otelcol" "$target"
