#include "conversation/saved_state.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "base/result.h"
#include "gguf/text.h"

namespace tern::conversation {
namespace {

constexpr std::string_view kStateMagic = "tern-state 1\n";
static_assert(kStateMagic.size() + sizeof(uint64_t) == kStateStartBytes);

template <typename T>
void append(std::string& bytes, T value) {
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes += static_cast<char>(bits & 0xFF);
    if constexpr (sizeof(T) > 1) bits >>= 8;
  }
}

/// Takes values off the front; nothing once the bytes do not suffice.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  std::optional<T> take() {
    if (bytes_.size() < sizeof(T)) return std::nullopt;
    std::make_unsigned_t<T> bits = 0;
    for (size_t i = sizeof(T); i > 0; --i) {
      bits = static_cast<std::make_unsigned_t<T>>(uint64_t{bits} << 8 |
                                                  static_cast<uint8_t>(bytes_[i - 1]));
    }
    bytes_.remove_prefix(sizeof(T));
    return static_cast<T>(bits);
  }
  std::optional<std::string_view> take_text(uint64_t n) {
    if (bytes_.size() < n) return std::nullopt;
    const std::string_view text = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return text;
  }
  /// A count of things of so many bytes each, all of which are there: nothing is allocated for
  /// numbers that a file merely claims.
  std::optional<uint32_t> take_count(size_t bytes_each) {
    const auto n = take<uint32_t>();
    if (!n || bytes_.size() / bytes_each < *n) return std::nullopt;
    return n;
  }
  size_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

Error damaged_state(const char* how) {
  return make_error(ErrorCode::kCorrupt, "the kept state {}", how);
}

// The text with who wrote it; nothing where the stretches are not those of a text.
std::optional<jinja::Text> take_text(Bytes& bytes) {
  const auto n_stretches = bytes.take_count(sizeof(uint8_t) + sizeof(uint64_t));
  if (!n_stretches) return std::nullopt;
  struct Stretch {
    jinja::Origin origin;
    uint64_t n_bytes;
  };
  std::vector<Stretch> stretches(*n_stretches);
  for (Stretch& stretch : stretches) {
    const auto origin = bytes.take<uint8_t>();
    const auto n_bytes = bytes.take<uint64_t>();
    if (!origin || !n_bytes || *origin > 1 || *n_bytes == 0) return std::nullopt;
    stretch = {*origin == 0 ? jinja::Origin::kTemplate : jinja::Origin::kInput, *n_bytes};
  }
  jinja::Text text;
  for (const Stretch& stretch : stretches) {
    const auto part = bytes.take_text(stretch.n_bytes);
    if (!part) return std::nullopt;
    text.append(*part, stretch.origin);
  }
  return text;
}

// Ends that are known go up and stay within the text.
bool are_ends_of(const ContextText& context) {
  size_t last = 0;
  for (const size_t end : context.ends) {
    if (end == kUnknownEnd) continue;
    if (end < last || end > context.text.size()) return false;
    last = end;
  }
  return true;
}

}  // namespace

std::string to_state_head(const SavedState& state) {
  std::string body;
  append(body, static_cast<uint32_t>(state.key.size()));
  body += state.key;
  append(body, static_cast<uint32_t>(state.tokens.size()));
  for (const TokenId id : state.tokens) append(body, id);
  for (const size_t end : state.context.ends) append(body, uint64_t{end});
  const auto pieces = state.context.text.pieces();
  append(body, static_cast<uint32_t>(pieces.size()));
  for (const jinja::Piece& piece : pieces) {
    append(body, static_cast<uint8_t>(piece.origin == jinja::Origin::kTemplate ? 0 : 1));
    append(body, uint64_t{piece.bytes.size()});
  }
  body += state.context.text.bytes();
  std::string head(kStateMagic);
  append(head, uint64_t{body.size()});
  return head + body;
}

Result<uint64_t> state_head_bytes(std::string_view start) {
  if (!start.starts_with(kStateMagic)) return damaged_state("does not begin as one");
  const auto n_bytes = Bytes(start.substr(kStateMagic.size())).take<uint64_t>();
  if (!n_bytes || *n_bytes > kMaxStateHeadBytes - kStateStartBytes)
    return damaged_state("is cut off");
  return kStateStartBytes + *n_bytes;
}

Result<SavedState> parse_state_head(std::string_view head) {
  TERN_ASSIGN_OR_RETURN(const uint64_t n_bytes, state_head_bytes(head));
  if (n_bytes != head.size()) return damaged_state("is cut off");
  Bytes bytes(head.substr(kStateStartBytes));
  SavedState state;
  const auto n_key = bytes.take_count(1);
  const auto key = n_key ? bytes.take_text(*n_key) : std::nullopt;
  if (!key) return damaged_state("has no key");
  state.key = *key;

  const auto n_tokens = bytes.take_count(sizeof(TokenId) + sizeof(uint64_t));
  if (!n_tokens) return damaged_state("has no tokens");
  state.tokens.reserve(*n_tokens);
  for (uint32_t i = 0; i < *n_tokens; ++i) {
    const TokenId id = *bytes.take<TokenId>();
    if (id < 0) return damaged_state("holds a token that is none");
    state.tokens.push_back(id);
  }
  state.context.ends.reserve(*n_tokens);
  for (uint32_t i = 0; i < *n_tokens; ++i) {
    state.context.ends.push_back(static_cast<size_t>(*bytes.take<uint64_t>()));
  }
  auto text = take_text(bytes);
  if (!text || bytes.size() > 0) return damaged_state("has no text of its tokens");
  state.context.text = *std::move(text);
  if (!are_ends_of(state.context)) return damaged_state("has tokens that end outside of its text");
  return state;
}

std::string key_difference(std::string_view kept, std::string_view here) {
  constexpr std::string_view kBetween = "; ";
  const auto take_part = [&](std::string_view& key) {
    const std::string_view part = key.substr(0, key.find(kBetween));
    key.remove_prefix(std::min(key.size(), part.size() + kBetween.size()));
    return part;
  };
  for (;;) {
    const std::string_view a = take_part(kept);
    const std::string_view b = take_part(here);
    if (a != b || (kept.empty() && here.empty())) {
      return fmt::format("kept with \"{}\", here \"{}\"", gguf::printable(a), gguf::printable(b));
    }
  }
}

}  // namespace tern::conversation
