#!/usr/bin/env bash
# Fuzzes the parsers and kernels: fuzz.sh MINUTES [TARGET ...], MINUTES for each target, as many at once as there are
# cores; 0.3 is 18 seconds. Corpora stay in build/corpus/<target>, minimised after a minute or more; inputs that broke something
# lie in build/findings. fuzz.sh --coverage [TARGET ...] reports the lines of its parser that each target's corpus reaches.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/clang
corpora=build/corpus
findings=build/findings
jobs=$(nproc)

# The files that a target is about.
sources_of() {
  case $1 in
    config_fuzz) echo tools/settings.cpp ;;
    energy_tree_fuzz) echo src/energy/{battery,hwmon,hwmon_rules,perf,powercap,rapl,source,sources,text}.cpp ;;
    gguf_reader_fuzz) echo src/gguf/{cursor,header,layout,metadata,reader,value}.cpp ;;
    grammar_fuzz) echo src/grammar/{automaton,expression,gbnf,json_schema,program,string_pattern}.cpp ;;
    kernels_fuzz) echo kernels/scalar/{float_ops,ternary_t2,ternary_t5,ternary_l2,dense_rows}.cpp ;;
    model_load_fuzz) echo src/model/{open_model,tensor_plan,weights_loader}.cpp src/model/arch/*.cpp ;;
    rival_output_fuzz) echo tools/rival_{json,output,table}.cpp ;;
    safetensors_fuzz) echo src/safetensors/header.cpp ;;
    saved_chat_fuzz) echo src/conversation/saved_chat.cpp ;;
    session_state_fuzz) echo src/conversation/saved_state.cpp ;;
    sentencepiece_fuzz) echo src/tokenizer/sentencepiece{,_model}.cpp ;;
    template_fuzz) echo src/chat/jinja/*.cpp ;;
    tokenizer_fuzz) echo src/tokenizer/{bpe_tokenizer,spm_tokenizer,word_rules,pre_tokenizer,token_matcher,utf8}.cpp ;;
    tokenizer_json_fuzz) echo src/tokenizer/{hf_pipeline,hf_tokenizer,regex_translate}.cpp ;;
    *) echo "fuzz.sh: no sources are named for $1" >&2 && return 1 ;;
  esac
}

# What the corpus begins with.
seeds_of() {
  case $1 in
    model_load_fuzz) echo tests/fuzz/seeds/model_load_fuzz tests/data/tiny tests/fuzz/seeds/gguf_reader_fuzz ;;
    *) echo "tests/fuzz/seeds/$1" ;;
  esac
}

all_targets() {
  find tests/fuzz -maxdepth 1 -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort
}

# Runs a target for some seconds, minimises its corpus, and prints a row: target, runs, features, inputs kept.
fuzz_one() {
  local target=$1 seconds=$2 log started options=()
  log=$(mktemp)
  started=$(mktemp)
  mkdir -p "$corpora/$target" "$findings"
  [ ! -f "tests/fuzz/dictionaries/$target.dict" ] || options=("-dict=tests/fuzz/dictionaries/$target.dict")
  # A run of seconds, as in CI, goes the same way every time: what it finds, the latest change has brought.
  [ "$seconds" -ge 60 ] || options+=(-seed=1)
  # shellcheck disable=SC2046
  if ! "$build/tests/fuzz/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=30 -print_funcs=0 -print_final_stats=1 \
    "${options[@]}" -artifact_prefix="$findings/$target-" "$corpora/$target" $(seeds_of "$target") >"$log" 2>&1; then
    echo "$target: FOUND something, see $findings:"
    # What was said of it and where in our code; an input that is short, too, for whoever has only this output.
    grep -aE '^a |ERROR|runtime error|SUMMARY|Test unit|#[0-9]+ .* in tern' "$log" || tail -n 20 "$log"
    find "$findings" -name "$target-*" -newer "$started" -size -65k -print0 | xargs -0 -r -n 1 sh -c 'xz -9c "$1" | base64 -w 0 | head -c 4000 && echo " (base64 of xz)"' input
    rm -f "$log" "$started"
    return 255
  fi
  # libFuzzer ends well after an input of 10 seconds, and only keeps it. In a run of seconds that may be the machine.
  local slow
  slow=$(find "$findings" -name "$target-slow-unit-*" -newer "$started")
  if [ "$seconds" -ge 60 ] && [ -n "$slow" ]; then
    echo "$target: FOUND inputs that take 10 seconds or longer:" "$slow"
    rm -f "$log" "$started"
    return 255
  fi
  local runs features kept
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  features=$(grep -oE 'ft: [0-9]+' "$log" | tail -n 1 | tr -dc 0-9)
  if [ "$seconds" -ge 60 ]; then
    rm -rf "$corpora/$target.smaller" && mkdir "$corpora/$target.smaller"
    # shellcheck disable=SC2046
    "$build/tests/fuzz/$target" -merge=1 -rss_limit_mb=2048 "$corpora/$target.smaller" "$corpora/$target" $(seeds_of "$target") >"$log" 2>&1 &&
      rm -rf "${corpora:?}/$target" && mv "$corpora/$target.smaller" "$corpora/$target"
  fi
  kept=$(find "$corpora/$target" -type f | wc -l)
  rm -f "$log" "$started"
  printf '%-22s %12s runs  %8s features  %6s inputs kept  %ss\n' "$target" "$runs" "${features:-0}" "$kept" "$seconds"
}

coverage_of() {
  local target=$1 profile=build/coverage/$1
  # shellcheck disable=SC2046
  LLVM_PROFILE_FILE="$profile.raw" "build/coverage/tests/fuzz/$target" -runs=0 -rss_limit_mb=2048 "$corpora/$target" $(seeds_of "$target") \
    >"$profile.log" 2>&1 || { tail -n 20 "$profile.log" && return 255; }
  llvm-profdata-14 merge -sparse "$profile.raw" -o "$profile.data"
  # shellcheck disable=SC2046
  llvm-cov-14 report "build/coverage/tests/fuzz/$target" -instr-profile="$profile.data" $(sources_of "$target") >"$profile.txt"
  # Columns of the total: lines, missed lines, cover.
  awk -v target="$target" '$1 == "TOTAL" { printf "%-22s %6s lines  %6s reached\n", target, $8, $10 }' "$profile.txt"
}

[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" && exit 1; }
mode=$1
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(all_targets)
tools/packages.sh ci
if [ "$mode" = --coverage ]; then
  command -v llvm-cov-14 >/dev/null || { echo "fuzz.sh: --coverage needs the package llvm-14" >&2 && exit 1; }
  cmake --preset fuzz -B build/coverage -DTERN_SANITIZE=fuzzer-no-link -DTERN_BUILD_TOOLS=ON \
    -DCMAKE_CXX_FLAGS="-fprofile-instr-generate -fcoverage-mapping" >/dev/null
  cmake --build build/coverage --target "${targets[@]}"
  for target in "${targets[@]}"; do mkdir -p "$corpora/$target" && coverage_of "$target"; done
  exit 0
fi
seconds=$(awk -v minutes="$mode" 'BEGIN { printf "%d", minutes * 60 }')
[ "$seconds" -gt 0 ] || { echo "fuzz.sh: MINUTES must be a number above 0, not $mode" >&2 && exit 1; }
cmake --preset fuzz -B "$build" -DTERN_WERROR=ON -DTERN_BUILD_TOOLS=ON -DTERN_BUILD_BENCH=ON >/dev/null
cmake --build "$build" --target "${targets[@]}"
export -f fuzz_one seeds_of
export build corpora findings
printf '%s\0' "${targets[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'set -euo pipefail; fuzz_one "$1" '"$seconds" fuzz || {
  # xargs says 124, which reads like a time limit.
  echo "fuzz.sh: ended by what is said above" >&2
  exit 1
}
