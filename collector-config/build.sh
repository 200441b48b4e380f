#!/bin/sh
# build.sh VERSION TARGET: puts an OpenTelemetry Collector at TARGET. Called by `make collector` from the repository's root.
# Takes, in this order: the binary that OTELCOL names, `otelcol-contrib` or `otelcol` on PATH, a build from builder.yaml.
set -eu
version=$1 target=$2
folder=$(dirname "$target")
mkdir -p "$folder"

found=${OTELCOL:-$(command -v otelcol-contrib || command -v otelcol || true)}
if [ -n "$found" ]; then
  ln -sf "$found" "$target"
  echo "collector: $found"
  exit 0
fi
if ! command -v go >/dev/null; then
  if [ "${CI:-}" = true ]; then
    echo "collector: neither OTELCOL, an otelcol on PATH nor Go is here" >&2
    exit 1
  fi
  # A demo and the tests do without: say so, and leave nothing at TARGET, so that the next call looks again.
  echo "collector: skipped (set OTELCOL, put otelcol on PATH, or install Go to build one)"
  exit 0
fi
echo "collector: building $version from collector-config/builder.yaml (about two minutes)"
GOBIN="$PWD/$folder/bin" go install "go.opentelemetry.io/collector/cmd/builder@v$version"
"$folder/bin/builder" --config collector-config/builder.yaml >"$folder/build.log" 2>&1 || {
  tail -n 30 "$folder/build.log" >&2
  exit 1
}
mv "$folder/build/otelcol" "$target"
