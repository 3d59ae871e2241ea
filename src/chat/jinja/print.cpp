#include "chat/jinja/print.h"

#include <array>
#include <charconv>
#include <cmath>

#include "chat/jinja/characters.h"
#include "chat/jinja/errors.h"
#include "chat/jinja/object.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

// Appends with a check of what has grown, so that a value shared many times cannot blow up.
class Writer {
 public:
  explicit Writer(Budget& budget) : budget_(budget) {}

  void own(std::string_view bytes) { out_.append(bytes, Origin::kTemplate); }

  Result<void> repr(const Value& value) {
    const DepthGuard guard(budget_);
    TERN_RETURN_IF_ERROR(guard.entered());
    TERN_RETURN_IF_ERROR(charge());
    if (value.is_undefined()) {
      own("Undefined");
    } else if (value.is_none()) {
      own("None");
    } else if (value.is_bool()) {
      own(value.as_bool() ? "True" : "False");
    } else if (value.is_integer()) {
      own(std::to_string(value.as_integer()));
    } else if (value.is_real()) {
      own(float_text(value.as_real()));
    } else if (value.is_markup()) {
      return unsupported("showing a marked text inside another value");
    } else if (value.is_string()) {
      quoted(value.as_text());
    } else if (value.is_dict()) {
      return dict(value.as_dict());
    } else if (const Sequence* items = value.as_sequence()) {
      return sequence(*items);
    } else {
      return unsupported("showing a value of type '{}'", value.type_name());
    }
    return {};
  }

  Text take() { return std::move(out_); }

 private:
  Result<void> charge() {
    const size_t grown = out_.size() - charged_;
    charged_ = out_.size();
    return budget_.allocate(grown + 1);
  }

  Result<void> dict(const Dict& dict) {
    own("{");
    bool first = true;
    for (const auto& [key, value] : dict.entries) {
      if (!first) own(", ");
      first = false;
      TERN_RETURN_IF_ERROR(repr(key));
      own(": ");
      TERN_RETURN_IF_ERROR(repr(value));
    }
    own("}");
    return {};
  }

  Result<void> sequence(const Sequence& sequence) {
    std::string_view open = "[";
    std::string_view close = "]";
    switch (sequence.kind) {
      case Sequence::Kind::kRange:
        own("range(" + std::to_string(sequence.start) + ", " + std::to_string(sequence.stop));
        if (sequence.step != 1) own(", " + std::to_string(sequence.step));
        own(")");
        return {};
      case Sequence::Kind::kGenerator:
        return unsupported("showing a generator: add '| list'");
      case Sequence::Kind::kList:
        break;
      case Sequence::Kind::kTuple:
        open = "(";
        close = sequence.items.size() == 1 ? ",)" : ")";
        break;
      case Sequence::Kind::kKeys:
        open = "dict_keys([";
        close = "])";
        break;
      case Sequence::Kind::kValues:
        open = "dict_values([";
        close = "])";
        break;
      case Sequence::Kind::kItems:
        open = "dict_items([";
        close = "])";
        break;
    }
    own(open);
    bool first = true;
    for (const Value& item : sequence.items) {
      if (!first) own(", ");
      first = false;
      TERN_RETURN_IF_ERROR(repr(item));
    }
    own(close);
    return {};
  }

  void quoted(const Text& text) {
    const std::string& bytes = text.bytes();
    const bool has_single = bytes.find('\'') != std::string::npos;
    const bool has_double = bytes.find('"') != std::string::npos;
    const char quote = has_single && !has_double ? '"' : '\'';
    own(std::string_view(&quote, 1));
    for (size_t pos = 0; pos < bytes.size();) {
      const DecodedChar c = decode_utf8(bytes, pos);
      const Origin origin = text.origin_at(pos);
      if (c.code_point == static_cast<uint32_t>(quote) || c.code_point == '\\') {
        out_.append("\\", origin);
        out_.append(std::string_view(bytes).substr(pos, 1), origin);
      } else if (c.code_point == '\n' || c.code_point == '\r' || c.code_point == '\t') {
        out_.append(c.code_point == '\n' ? "\\n" : c.code_point == '\r' ? "\\r" : "\\t", origin);
      } else if (is_printable(c.code_point)) {
        out_.append(std::string_view(bytes).substr(pos, c.n_bytes), origin);
      } else {
        out_.append(c.code_point < 0x100     ? fmt::format("\\x{:02x}", c.code_point)
                    : c.code_point < 0x10000 ? fmt::format("\\u{:04x}", c.code_point)
                                             : fmt::format("\\U{:08x}", c.code_point),
                    origin);
      }
      pos += c.n_bytes;
    }
    own(std::string_view(&quote, 1));
  }

  Budget& budget_;
  Text out_;
  size_t charged_ = 0;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // Shortest digits and exponent, "d.ddde+xx", laid out as Python does.
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  std::string_view all(buffer.data(), static_cast<size_t>(end - buffer.data()));
  std::string out;
  if (all.front() == '-') {
    out = "-";
    all.remove_prefix(1);
  }
  const size_t e = all.find('e');
  std::string digits(1, all[0]);
  if (e > 2) digits += all.substr(2, e - 2);
  int exponent = 0;
  const size_t sign = e + 1;
  std::from_chars(all.data() + sign + 1, all.data() + all.size(), exponent);
  if (all[sign] == '-') exponent = -exponent;
  const auto n_digits = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (n_digits > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (exponent + 1 >= n_digits) {
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - n_digits), '0') + ".0";
  }
  return out + digits.insert(static_cast<size_t>(exponent) + 1, ".");
}

Result<Text> to_text(Budget& budget, const Value& value) {
  if (value.is_string()) return value.as_text();
  if (value.is_undefined()) return Text();
  return to_repr(budget, value);
}

Result<Text> to_repr(Budget& budget, const Value& value) {
  Writer writer(budget);
  TERN_RETURN_IF_ERROR(writer.repr(value));
  return writer.take();
}

}  // namespace tern::jinja
