#!/bin/sh
# build_prometheus.sh VERSION TARGET: builds a Prometheus from Go modules, without its web pages, and promtool. Called by `make prometheus`.
set -eu
version=$1 target=$2
mkdir -p "$(dirname "$target")"
cd "$(dirname "$target")"

# Tests that want one are skipped without it; in CI nothing is.
give_up() {
  [ "${CI:-}" = true ] || { echo "prometheus: none: $1"; exit 0; }
  echo "prometheus: $1" >&2
  exit 1
}

command -v go >/dev/null || give_up "Go is needed to build one"
echo "prometheus: building $version (about three minutes)"
# `go install` refuses a module that replaces others, so it is a requirement of one that does not.
rm -f go.mod go.sum
{
  go mod init driftline/prometheus &&
    go get "github.com/prometheus/prometheus/cmd/prometheus@v$version" \
      "github.com/prometheus/prometheus/cmd/promtool@v$version" &&
    go build -tags remove_all_sd -o "$(basename "$target")" github.com/prometheus/prometheus/cmd/prometheus &&
    go build -tags remove_all_sd -o promtool github.com/prometheus/prometheus/cmd/promtool
} >build.log 2>&1 || { tail -n 30 build.log >&2; give_up "it does not build"; }
