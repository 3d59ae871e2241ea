#include "tokenizer/regex_splitter.h"

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gguf/text.h"
#include "tokenizer/regex_translate.h"
#include "tokenizer/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace tern {
namespace {

using gguf::printable;

// Work allowed. A match attempt may take kFreeSteps of backtracking (PCRE2's match-limit units) and
// look kFreeBytes ahead without being charged; what needs more is charged, in steps and bytes,
// against a budget that grows with the text. So the whole is linear in the text, or an error.
constexpr uint32_t kFreeSteps = 2000;
constexpr size_t kFreeBytes = 512;
constexpr uint64_t kBudgetBase = 20'000'000;
constexpr uint64_t kBudgetPerByte = 256;
constexpr uint32_t kMaxSteps = 1u << 31;
// The interpreter, used where the JIT's stack does not suffice, keeps its backtracking points here.
constexpr uint32_t kHeapLimitKib = 1u << 20;
constexpr size_t kJitStackBytes = size_t{4} << 20;

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Deleter<pcre2_jit_stack_free>>;

}  // namespace

struct RegexSplitter::Code {
  Code(pcre2_code* compiled, std::string text) : code(compiled), pattern(std::move(text)) {}
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* code;
  std::string pattern;
};

RegexSplitter::RegexSplitter(std::unique_ptr<Code> code) : code_(std::move(code)) {}
RegexSplitter::~RegexSplitter() = default;

Result<std::shared_ptr<const RegexSplitter>> RegexSplitter::compile(std::string_view pattern) {
  if (!is_valid_utf8(pattern)) {
    return make_error(ErrorCode::kCorrupt, "regular expression is not valid UTF-8");
  }
  TERN_ASSIGN_OR_RETURN(const std::string translated, translate_regex(pattern));
  return compile_pcre2(translated);
}

Result<std::shared_ptr<const RegexSplitter>> RegexSplitter::compile_pcre2(
    const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE where = 0;
  std::unique_ptr<pcre2_compile_context, Deleter<pcre2_compile_context_free>> context(
      pcre2_compile_context_create(nullptr));
  if (!context) return make_error(ErrorCode::kOutOfMemory, "no memory for a regular expression");
  // As Ruby: ^ and $ also match at line ends, and only LF ends a line.
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                    &where, context.get());
  if (code == nullptr) {
    return make_error(ErrorCode::kCorrupt, "regular expression '{}': {} (at position {})",
                      printable(pattern), error_text(error), where);
  }
  auto holder = std::make_unique<Code>(code, pattern);
  // Without JIT, as on a system that forbids it, the interpreter gives the same matches.
  static_cast<void>(pcre2_jit_compile(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD));
  return std::shared_ptr<const RegexSplitter>(new RegexSplitter(std::move(holder)));
}

Result<void> RegexSplitter::find_all(std::string_view text, std::vector<ByteRange>& out) const {
  if (is_valid_utf8(text)) return find_all_valid(text, out);
  // Matched on a repaired copy; ranges are then moved back, both positions running along.
  const std::string repaired = replace_invalid_utf8(text);
  const size_t first = out.size();
  TERN_RETURN_IF_ERROR(find_all_valid(repaired, out));
  size_t raw = 0;
  size_t cooked = 0;
  const auto raw_position = [&](size_t target) {
    while (cooked < target) {
      const DecodedChar c = decode_utf8(text, raw);
      raw += c.n_bytes;
      cooked += c.valid ? c.n_bytes : kReplacementUtf8.size();
    }
    return raw;
  };
  for (size_t i = first; i < out.size(); ++i) {
    out[i].begin = raw_position(out[i].begin);
    out[i].end = raw_position(out[i].end);
  }
  return {};
}

Result<void> RegexSplitter::find_all_valid(std::string_view text,
                                           std::vector<ByteRange>& out) const {
  const MatchData data(pcre2_match_data_create_from_pattern(code_->code, nullptr));
  const MatchContext context(pcre2_match_context_create(nullptr));
  if (!data || !context) {
    return make_error(ErrorCode::kOutOfMemory, "no memory to match a regular expression");
  }
  // The JIT's own 32 KiB suffice for nearly all; a larger stack costs a system call, and texts may
  // be short words.
  JitStack stack;
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);

  uint64_t budget = kBudgetBase + kBudgetPerByte * text.size();
  size_t pos = 0;
  while (pos < text.size()) {
    // Anchored, one start after the other, so that the bounds hold for the whole and not anew for
    // each start within one search. The engine sees a window of the text only: a hard partial match
    // tells that it would have looked beyond, and a larger window is tried; any other outcome does
    // not depend on what lies beyond. The match limit alone is no bound, it does not count the
    // characters that a repeat takes.
    uint32_t steps = kFreeSteps;
    size_t window = kFreeBytes;
    uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED;
    int n = 0;
    for (;;) {
      size_t end = text.size();
      if (window < text.size() - pos) {
        end = pos + window;
        while ((static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
      }
      pcre2_set_match_limit(context.get(), steps);
      n = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), end, pos,
                      end < text.size() ? options | PCRE2_PARTIAL_HARD : options, data.get(),
                      context.get());
      uint64_t charge = 0;
      if (n == PCRE2_ERROR_PARTIAL) {
        window *= 4;
        charge = window;
      } else if (n == PCRE2_ERROR_MATCHLIMIT) {
        steps = steps < kMaxSteps / 4 ? steps * 4 : kMaxSteps;
        charge = steps;
      } else if (n == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
        stack.reset(pcre2_jit_stack_create(32 * 1024, kJitStackBytes, nullptr));
        if (!stack) {
          return make_error(ErrorCode::kOutOfMemory, "no memory to match a regular expression");
        }
        pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
      } else if (n == PCRE2_ERROR_JIT_STACKLIMIT && (options & PCRE2_NO_JIT) == 0) {
        options |= PCRE2_NO_JIT;
      } else {
        break;
      }
      if (charge > budget) {
        n = PCRE2_ERROR_MATCHLIMIT;
        break;
      }
      budget -= charge;
    }
    if (n == PCRE2_ERROR_NOMATCH) {
      pos += decode_utf8(text, pos).n_bytes;
      continue;
    }
    if (n < 0) {
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "the pre-tokenizer's regular expression '{}' needs too much backtracking on "
                     "this text of {} bytes: {}",
                     printable(code_->pattern), text.size(), error_text(n)),
          "use shorter runs of the same kind of character, or a GGUF file of the model, which "
          "names "
          "its pre-tokenizer");
    }
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    if (range[1] > pos && range[0] == pos) {
      out.push_back({range[0], range[1]});
      pos = range[1];
    } else {
      pos += decode_utf8(text, pos).n_bytes;
    }
  }
  return {};
}

}  // namespace tern
