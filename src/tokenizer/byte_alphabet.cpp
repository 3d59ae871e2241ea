#include "tokenizer/byte_alphabet.h"

#include <array>

#include "tokenizer/utf8.h"

namespace tern {
namespace {

constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

constexpr uint32_t kFirstShifted = 0x100;
constexpr size_t kNShifted = 68;

struct Spelling {
  std::array<char, 2> bytes{};
  uint8_t n_bytes = 0;
};

struct Tables {
  std::array<Spelling, 256> spellings{};
  std::array<uint8_t, kNShifted> shifted{};  // byte of U+0100 + index
};

constexpr Tables make_tables() {
  Tables tables;
  uint32_t n_shifted = 0;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t code_point = byte;
    if (!stands_for_itself(byte)) {
      tables.shifted[n_shifted] = static_cast<uint8_t>(byte);
      code_point = kFirstShifted + n_shifted++;
    }
    Spelling& s = tables.spellings[byte];
    if (code_point < 0x80) {
      s.bytes[0] = static_cast<char>(code_point);
      s.n_bytes = 1;
    } else {
      s.bytes[0] = static_cast<char>(0xC0 | (code_point >> 6));
      s.bytes[1] = static_cast<char>(0x80 | (code_point & 0x3F));
      s.n_bytes = 2;
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::string_view spell_byte(uint8_t byte) {
  const Spelling& s = kTables.spellings[byte];
  return {s.bytes.data(), s.n_bytes};
}

void spell_bytes(std::string_view bytes, std::string& out) {
  for (const char c : bytes) out.append(spell_byte(static_cast<uint8_t>(c)));
}

std::optional<std::string> unspell_bytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const DecodedChar c = decode_utf8(text, pos);
    if (!c.valid) return std::nullopt;
    if (c.code_point < kFirstShifted) {
      if (!stands_for_itself(c.code_point)) return std::nullopt;
      bytes.push_back(static_cast<char>(c.code_point));
    } else if (c.code_point < kFirstShifted + kNShifted) {
      bytes.push_back(static_cast<char>(kTables.shifted[c.code_point - kFirstShifted]));
    } else {
      return std::nullopt;
    }
    pos += c.n_bytes;
  }
  return bytes;
}

}  // namespace tern
