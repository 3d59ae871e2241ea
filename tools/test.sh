#!/usr/bin/env bash
# Builds everything with its tests and runs them all: test.sh [arguments for ctest]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tools/packages.sh test
cmake --preset release -DTERN_BUILD_TESTS=ON ${TERN_CMAKE_ARGS:-} >/dev/null
cmake --build build/release
ctest --test-dir build/release --output-on-failure -j "$(nproc)" "$@"
