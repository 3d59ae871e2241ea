#!/usr/bin/env bash
# Builds tern where needed and runs it: quickstart.sh [PROMPT or any arguments of `tern run`]
# The first run installs the Debian packages that are missing and compiles (about two minutes on two cores).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build="$root/build/release"

"$root/tools/packages.sh" build
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "$build/build.ninja" ]; then
  echo "configuring and compiling tern, this once ..." >&2
  if ! (cd "$root" && cmake --preset release -DTERN_BUILD_TESTS=OFF ${TERN_CMAKE_ARGS:-}) >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
fi
if ! cmake --build "$build" --target tern_cli >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if [ $# -eq 0 ]; then set -- "Once upon a time"; fi
exec "$build/tools/tern" run "$@"
