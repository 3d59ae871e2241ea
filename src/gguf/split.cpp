#include "gguf/split.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/log.h"
#include "base/result.h"

namespace tern::gguf {
namespace {

constexpr const char* kNoKey = "split.no";
constexpr const char* kCountKey = "split.count";
constexpr const char* kTensorsKey = "split.tensors.count";

constexpr const char* kMixedHint =
    "files of different models were mixed, or one is damaged; download all parts again";

/// Five decimal digits.
std::optional<uint32_t> parse_number(std::string_view digits) {
  uint32_t number = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

Error mismatch(const std::string& file, const char* key, uint64_t found, uint64_t expected) {
  return with_hint(make_error(ErrorCode::kCorrupt, "{}: key '{}' is {}, expected {}", file, key,
                              found, expected),
                   kMixedHint);
}

Result<void> check_not_split(const Header& header, const std::string& file) {
  TERN_ASSIGN_OR_RETURN(const uint64_t count, header.metadata.get_uint_or(kCountKey, 1));
  TERN_ASSIGN_OR_RETURN(const uint64_t no, header.metadata.get_uint_or(kNoKey, 0));
  if (count > 1) {
    return with_hint(
        make_error(ErrorCode::kUsage,
                   "{}: is part {} of {} of a split model, but its name does not say so", file,
                   no < count ? no + 1 : no, count),
        "give the parts back their names <name>-00001-of-0000N.gguf, put them into one folder and "
        "name the first");
  }
  if (no != 0) return mismatch(file, kNoKey, no, 0);
  TERN_ASSIGN_OR_RETURN(const uint64_t n_tensors,
                        header.metadata.get_uint_or(kTensorsKey, header.tensors.size()));
  if (n_tensors != header.tensors.size()) {
    return mismatch(file, kTensorsKey, n_tensors, header.tensors.size());
  }
  return {};
}

/// Some writers store the alignment in the first part only and yet apply it to all. Where that
/// would move the data of a part, one of two readings is garbage.
Result<void> check_alignment(const Header& first, const Header& part, const std::string& file) {
  if (part.metadata.has(kAlignmentKey) || part.tensors.empty()) return {};
  if (checked_align_up(part.header_bytes, first.alignment) ==
      checked_align_up(part.header_bytes, part.alignment)) {
    return {};
  }
  return with_hint(
      make_error(
          ErrorCode::kUnsupported,
          "{}: has no key '{}', while the first part has {}: where the data begin is ambiguous",
          file, kAlignmentKey, first.alignment),
      "merge the parts into one file with the program that split them");
}

}  // namespace

std::optional<SplitName> parse_split_name(std::string_view path) {
  constexpr std::string_view kPattern = "-NNNNN-of-NNNNN.gguf";
  if (path.size() <= kPattern.size()) return std::nullopt;
  const std::string_view suffix = path.substr(path.size() - kPattern.size());
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || suffix.substr(15) != ".gguf") {
    return std::nullopt;
  }
  const auto part = parse_number(suffix.substr(1, 5));
  const auto n_parts = parse_number(suffix.substr(10, 5));
  if (!part || !n_parts || *part == 0 || *part > *n_parts) return std::nullopt;
  return SplitName{std::string(path.substr(0, path.size() - kPattern.size())), *part, *n_parts};
}

std::string split_path(std::string_view prefix, uint32_t part, uint32_t n_parts) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part, n_parts);
}

Result<void> check_split(std::span<const Header> headers, std::span<const std::string> files,
                         const LogSink& log) {
  if (headers.size() == 1) return check_not_split(headers[0], files[0]);
  uint64_t n_tensors = 0;
  for (const Header& header : headers) n_tensors += header.tensors.size();
  for (size_t i = 0; i < headers.size(); ++i) {
    const Metadata& metadata = headers[i].metadata;
    TERN_ASSIGN_OR_RETURN(const uint64_t count, metadata.get_uint(kCountKey));
    if (count != headers.size()) return mismatch(files[i], kCountKey, count, headers.size());
    TERN_ASSIGN_OR_RETURN(const uint64_t no, metadata.get_uint(kNoKey));
    if (no != i) return mismatch(files[i], kNoKey, no, i);
  }
  for (size_t i = 0; i < headers.size(); ++i) {
    const Metadata& metadata = headers[i].metadata;
    TERN_ASSIGN_OR_RETURN(const uint64_t total, metadata.get_uint(kTensorsKey));
    if (total != n_tensors) return mismatch(files[i], kTensorsKey, total, n_tensors);
    if (i == 0) continue;
    TERN_RETURN_IF_ERROR(check_alignment(headers[0], headers[i], files[i]));
    const auto& entries = metadata.entries();
    const auto n_other = std::count_if(entries.begin(), entries.end(), [](const auto& entry) {
      return !entry.first.starts_with("split.") && entry.first != kAlignmentKey;
    });
    if (n_other > 0) {
      log_to(log, LogLevel::kWarning,
             "{}: {} keys are not used: the metadata of a split model are those of its first part",
             files[i], n_other);
    }
  }
  return {};
}

}  // namespace tern::gguf
