#!/usr/bin/env bash
# The commands of a first day under valgrind's memcheck: memcheck.sh TERN. A jump or an address that depends on memory
# nobody wrote, an access outside a block, or a block that nothing points to any more fails it, with valgrind's report.
# AddressSanitizer does not see the first, and does not see into the libraries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tern=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CONFIG_HOME=$folder/config XDG_CACHE_HOME=$folder/cache XDG_STATE_HOME=$folder/state TERN_NO_SANDBOX=1
tiny=tests/data/tiny/bitnet-25.gguf
head -c 2000 "$tiny" >"$folder/cut.gguf"
yes "the cat sat on the mat" 2>/dev/null | head -n 20 >"$folder/text" || true
failures=0

check() { # EXPECTED_EXIT_CODE ARGUMENT...
  local expected=$1 code=0
  shift
  # On AVX2 kernels: valgrind 3.19 knows no AVX-512 and hides it from the program.
  valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    --fair-sched=yes "$tern" "$@" >"$folder/out" 2>"$folder/err" || code=$?
  if [ "$code" -eq "$expected" ]; then
    printf 'ok    tern %s\n' "$*"
  else
    printf 'FAIL  tern %s: exit code %s, not %s\n' "$*" "$code" "$expected"
    tail -n 40 "$folder/err"
    failures=$((failures + 1))
  fi
}

exec </dev/null
check 0 --version
check 0 run --help
check 2 run --no-such-flag
check 3 run -m "$folder/no-such-file.gguf" -p a
check 4 inspect "$folder/cut.gguf"
check 0 inspect "$tiny"
check 0 tokenize -m "$tiny" "the cat"
for model in bitnet-b1.58 bitnet-25 llama llama-dense qwen3-group128; do
  check 0 run -m "tests/data/tiny/$model.gguf" --prompt-ids 1,2,3,4 -n 4 -t 2
done
for weights in t5 l2; do
  check 0 run -m "$tiny" --prompt-ids 1,2,3,4 -n 4 -t 1 --weights "$weights" --kv q8
done
check 0 run -m "$tiny" --prompt-ids 1,2,3 -n 4 --output json --logprobs 2 --head q6_k --kv f32
check 0 run -p "Once upon a time" -n 3 --seed 1
check 0 run -p "Once" -n 3 --json-schema '{"type": "object", "properties": {"name": {"type": "string"}}}'
check 0 chat --session memcheck --temp 0 -n 3 < <(printf 'Hello\n/stats\n/regen\n/quit\n')
check 0 perplexity -m "$tiny" -f "$folder/text" -c 32
check 0 convert tests/data/checkpoints/bitnet-2b4t-bf16 "$folder/model.gguf"
check 0 verify "$folder/model.gguf"
check 0 bench -m "$tiny" -p 8 -n 4 -r 1 --warmup 0
check 0 completion bash
[ "$failures" -eq 0 ]
