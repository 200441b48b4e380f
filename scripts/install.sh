#!/bin/sh
# install.sh VENV ARGUMENT...: `pip install ARGUMENT...` into VENV, which is created if missing. Called by the Makefile from the
# repository's root. It can be interrupted and repeated; where there is flock(1), two installs into one VENV take turns.
set -eu
venv=$1
shift
mkdir -p "$venv"
exec 9>"$venv/.lock"
if command -v flock >/dev/null; then
  flock --nonblock 9 || { echo "setup: waiting for another install into $venv"; flock 9; }
fi

# RECORD is the last file of a package that pip writes. Without it the install was interrupted, yet pip would take the package
# for complete, and its commands would stay missing.
if [ -d "$venv/lib" ]; then
  find "$venv/lib" -type d -name '*.dist-info' ! -exec test -e '{}/RECORD' ';' -prune -exec rm -r '{}' +
fi

[ -x "$venv/bin/python" ] || echo "setup: creating $venv, with the latest pip"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --upgrade pip
exec scripts/progress.sh setup "$venv/install.log" "$venv/bin/python" -m pip install --progress-bar off "$@"
