#include "gguf/foreign.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/text.h"

namespace tern::gguf {
namespace {

struct Kind {
  const char* looks_like;
  const char* hint;
};

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char l, char t) {
           return l == std::tolower(static_cast<unsigned char>(t));
         });
}

// safetensors: u64 length of a JSON object, then the object.
bool is_safetensors(std::string_view head, uint64_t file_bytes) {
  if (head.size() < 9 || head[8] != '{') return false;
  uint64_t n_bytes = 0;
  for (size_t i = 0; i < 8; ++i) {
    n_bytes |= uint64_t{static_cast<uint8_t>(head[i])} << (8 * i);
  }
  return n_bytes >= 2 && n_bytes <= file_bytes - 8;
}

Kind classify(std::string_view head, uint64_t file_bytes) {
  using std::string_view_literals::operator""sv;
  if (head.empty()) return {"an empty file", "the download failed; download it again"};
  if (head.starts_with("version https://git-lfs")) {
    return {"a git-lfs pointer, which stands for the model but does not hold it",
            "run `git lfs pull` in the repository, or download the file itself"};
  }
  std::string_view text = head;
  if (text.starts_with("\xEF\xBB\xBF"sv)) text.remove_prefix(3);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  if (starts_with_ignoring_case(text, "<!doctype") || starts_with_ignoring_case(text, "<html") ||
      starts_with_ignoring_case(text, "<?xml")) {
    return {"a web page",
            "the server sent a page instead of the model (a login or an error page?); "
            "use the direct download link"};
  }
  if (is_safetensors(head, file_bytes)) {
    return {"a safetensors file", "convert the checkpoint's folder with `tern convert`"};
  }
  if (head.starts_with("PK\x03\x04"sv) || head.starts_with("\x80\x02"sv)) {
    return {"a PyTorch checkpoint or zip archive",
            "use a GGUF file, or the safetensors files of the model with `tern convert`"};
  }
  for (std::string_view magic : {"lmgg"sv, "fmgg"sv, "tjgg"sv, "algg"sv}) {
    if (head.starts_with(magic)) {
      return {"a GGML file from before GGUF", "download the model as GGUF"};
    }
  }
  if (head.starts_with("FUGG")) {
    return {"a big-endian GGUF file", "download the little-endian file of the model"};
  }
  if (head.starts_with("\x1F\x8B"sv) || head.starts_with("\x28\xB5\x2F\xFD"sv) ||
      head.starts_with("\xFD"
                       "7zXZ"sv) ||
      head.starts_with("BZh"sv)) {
    return {"a compressed file", "unpack it first"};
  }
  if (text.starts_with("{") || text.starts_with("[")) {
    return {"JSON", "name the model file, which ends in .gguf"};
  }
  if (std::all_of(head.begin(), head.end(), [](char c) { return c == '\0'; })) {
    return {"zeros, as an interrupted download leaves them", "download the file again"};
  }
  return {nullptr, "name a GGUF file; if this is one, it is damaged: download it again"};
}

}  // namespace

Error not_gguf_error(const ByteSource& source) {
  constexpr uint64_t kHeadBytes = 64;
  const uint64_t file_bytes = source.size_bytes();
  std::string head(std::min(kHeadBytes, file_bytes), '\0');
  if (auto read =
          source.read_at(0, std::span(reinterpret_cast<uint8_t*>(head.data()), head.size()));
      !read) {
    return std::move(read).error();
  }
  const std::string file = printable(source.name(), 4096);
  const Kind kind = classify(head, file_bytes);
  if (kind.looks_like != nullptr) {
    return with_hint(make_error(ErrorCode::kCorrupt, "{}: is not a GGUF file: it looks like {}",
                                file, kind.looks_like),
                     kind.hint);
  }
  return with_hint(make_error(ErrorCode::kCorrupt,
                              "{}: is not a GGUF file: it begins with '{}', not with 'GGUF'", file,
                              printable(std::string_view(head).substr(0, 4))),
                   kind.hint);
}

}  // namespace tern::gguf
