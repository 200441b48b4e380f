#!/bin/sh
# release-check.sh: what the processor's image is made of, as a CycloneDX SBOM in build/sbom.cdx.json, and whether any of it has a
# known vulnerability. Called by the Makefile from the repository's root. Where the vulnerability service cannot be reached it says
# so and ends with status 3: nothing is known then.
set -eu
bin=${RELEASE_BIN:-.venv-release/bin}
pinned=processor/requirements.txt
mkdir -p build

"$bin/cyclonedx-py" requirements --output-reproducible --output-format JSON --output-file build/sbom.cdx.json "$pinned"
echo "release-check: build/sbom.cdx.json lists $(grep -c '^[A-Za-z0-9].*==' "$pinned") packages, each with its hashes"

log=build/audit.log status=0
"$bin/pip-audit" --disable-pip --require-hashes --progress-spinner off --requirement "$pinned" >"$log" 2>&1 || status=$?
unknown=$(grep -c 'could not be audited' "$log" || true)
if grep -q 'Found [0-9]* known vulnerabilit' "$log"; then
  cat "$log" >&2
  echo "release-check: known vulnerabilities" >&2
  exit 1
elif [ "$status" != 0 ]; then
  echo "release-check: NOT audited: the vulnerability service cannot be reached, or refuses; see $log" >&2
  exit 3
elif [ "$unknown" != 0 ]; then
  echo "release-check: NOT audited: $unknown packages that the vulnerability service does not know; see $log" >&2
  exit 3
fi
echo "release-check: no known vulnerability"
