// json.dumps() as the `tojson` of transformers calls it.
#include <algorithm>
#include <cmath>

#include "chat/jinja/errors.h"
#include "chat/jinja/print.h"
#include "tokenizer/utf8.h"

namespace tern::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style) {}

  Result<void> write(const Value& value, int level) {
    const DepthGuard guard(budget_);
    TERN_RETURN_IF_ERROR(guard.entered());
    const size_t grown = out_.size() - charged_;
    charged_ = out_.size();
    TERN_RETURN_IF_ERROR(budget_.allocate(grown + 1));
    if (value.is_string()) {
      quoted(value.as_text());
    } else if (value.is_dict()) {
      return dict(value.as_dict(), level);
    } else if (const Sequence* sequence = value.as_sequence();
               sequence != nullptr && (sequence->kind == Sequence::Kind::kList ||
                                       sequence->kind == Sequence::Kind::kTuple)) {
      return list(*sequence, level);
    } else if (const auto text = scalar(value)) {
      own(*text);
    } else if (value.is_undefined()) {
      return template_error("{}, so it cannot become JSON", value.undefined_message());
    } else {
      return template_error("a value of type '{}' cannot become JSON", value.type_name());
    }
    return {};
  }

  Text take() { return std::move(out_); }

 private:
  void own(std::string_view bytes) { out_.append(bytes, Origin::kTemplate); }

  static std::optional<std::string> scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (value.is_integer()) return std::to_string(value.as_integer());
    if (!value.is_real()) return std::nullopt;
    if (std::isnan(value.as_real())) return "NaN";
    if (std::isinf(value.as_real())) return value.as_real() > 0 ? "Infinity" : "-Infinity";
    return float_text(value.as_real());
  }

  void new_line(int level) {
    if (!style_.indent) return;
    own("\n");
    for (int i = 0; i < level; ++i) own(*style_.indent);
  }

  Result<void> list(const Sequence& sequence, int level) {
    if (sequence.items.empty()) {
      own("[]");
      return {};
    }
    own("[");
    bool first = true;
    for (const Value& item : sequence.items) {
      if (!first) own(style_.item_separator);
      first = false;
      new_line(level + 1);
      TERN_RETURN_IF_ERROR(write(item, level + 1));
    }
    new_line(level);
    own("]");
    return {};
  }

  Result<void> dict(const Dict& dict, int level) {
    if (dict.entries.empty()) {
      own("{}");
      return {};
    }
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) {
      if (style_.sort_keys && !entry.first.is_string()) {
        return unsupported("sorting keys of JSON that are no texts");
      }
      entries.push_back(&entry);
    }
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
        return a->first.as_bytes() < b->first.as_bytes();
      });
    }
    own("{");
    bool first = true;
    for (const auto* entry : entries) {
      if (!first) own(style_.item_separator);
      first = false;
      new_line(level + 1);
      if (entry->first.is_string()) {
        quoted(entry->first.as_text());
      } else {
        own("\"" + scalar(entry->first).value_or("") + "\"");
      }
      own(style_.key_separator);
      TERN_RETURN_IF_ERROR(write(entry->second, level + 1));
    }
    new_line(level);
    own("}");
    return {};
  }

  static std::string escaped(uint32_t code_point) {
    switch (code_point) {
      case '"':
        return "\\\"";
      case '\\':
        return "\\\\";
      case '\n':
        return "\\n";
      case '\r':
        return "\\r";
      case '\t':
        return "\\t";
      case '\b':
        return "\\b";
      case '\f':
        return "\\f";
      default:
        break;
    }
    if (code_point < 0x10000) return fmt::format("\\u{:04x}", code_point);
    const uint32_t above = code_point - 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF));
  }

  void quoted(const Text& text) {
    own("\"");
    for (const Piece& piece : text.pieces()) {
      size_t plain = 0;  // begin of what needs no escape
      for (size_t pos = 0; pos < piece.bytes.size();) {
        const DecodedChar c = decode_utf8(piece.bytes, pos);
        if (c.code_point < 0x20 || c.code_point == '"' || c.code_point == '\\' ||
            (style_.ensure_ascii && c.code_point >= 0x80)) {
          out_.append(piece.bytes.substr(plain, pos - plain), piece.origin);
          out_.append(escaped(c.code_point), piece.origin);
          plain = pos + c.n_bytes;
        }
        pos += c.n_bytes;
      }
      out_.append(piece.bytes.substr(plain), piece.origin);
    }
    own("\"");
  }

  Budget& budget_;
  const JsonStyle& style_;
  Text out_;
  size_t charged_ = 0;
};

}  // namespace

Result<Text> to_json(Budget& budget, const Value& value, const JsonStyle& style) {
  JsonWriter writer(budget, style);
  TERN_RETURN_IF_ERROR(writer.write(value, 0));
  return writer.take();
}

}  // namespace tern::jinja
