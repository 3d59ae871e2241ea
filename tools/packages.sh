#!/usr/bin/env bash
# Installs the Debian packages that a job needs and that are missing: packages.sh build|test|ci
# Sourced or run by quickstart.sh, test.sh and .ci/run; does nothing where everything is there.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libpcre2-dev
  libutf8proc-dev libssl-dev libedit-dev)
test=("${build[@]}" libgtest-dev tmux python3-jsonschema)
ci=("${test[@]}" clang clang-format libclang-rt-14-dev libbenchmark-dev googletest qemu-user cppcheck clang-tidy valgrind ccache
  g++-aarch64-linux-gnu python3-numpy git)
# The same libraries for the AArch64 tests.
foreign=(libfmt-dev:arm64 libspdlog-dev:arm64 libpcre2-dev:arm64 libutf8proc-dev:arm64 libssl-dev:arm64
  libedit-dev:arm64)

case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${test[@]}") ;;
  ci) wanted=("${ci[@]}" "${foreign[@]}") ;;
  *)
    echo "usage: packages.sh build|test|ci" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "note: not a Debian system; please install what these stand for: ${wanted[*]}" >&2
  exit 0
fi

native=$(dpkg --print-architecture)
is_installed() { # NAME or NAME:ARCHITECTURE
  local architecture=$native
  [[ $1 == *:* ]] && architecture=${1#*:}
  dpkg-query -W -f='${Architecture} ${db:Status-Status}\n' "${1%:*}" 2>/dev/null |
    grep -qE "^($architecture|all) installed$"
}

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: these packages are missing and there is no sudo: ${missing[*]}" >&2
    echo "hint: install them as root with: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
if [[ " ${missing[*]} " == *:arm64* ]]; then "${as_root[@]}" dpkg --add-architecture arm64; fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } \
  >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
