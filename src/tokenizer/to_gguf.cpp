#include "tokenizer/to_gguf.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <variant>

#include "base/byte_source.h"
#include "base/result.h"
#include "gguf/text.h"
#include "gguf/writer.h"
#include "json/json_value.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer/hf_tokenizer.h"
#include "tokenizer/pre_registry.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/tiktoken.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

using gguf::make_array;
using gguf::make_value;
using gguf::printable;

constexpr const char* kPrefix = "tokenizer.ggml.";
constexpr const char* kSamples[] = {"Hello, world!",
                                    "It's 12345 o'clock; we'll see.\n\n  Twice.\t\r\n",
                                    ("na\xC3\xAFve caf\xC3\xA9 \xE2\x82\xAC"
                                     "5 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x99\x82"),
                                    "def f(x):\n\treturn {'a': x[0] != 1}  # comment"};

class Writer {
 public:
  Writer(uint64_t n_rows, const std::string& where, gguf::Metadata* metadata)
      : n_rows_(n_rows), where_(where), metadata_(metadata) {}

  Result<void> add(const char* name, gguf::Value value) {
    return metadata_->add(kPrefix + std::string(name), std::move(value));
  }

  // Tokens and types, filled up to the rows of the embedding.
  Result<void> add_vocabulary(const Vocabulary& vocabulary) {
    const auto n_tokens = static_cast<uint64_t>(vocabulary.size());
    if (n_tokens > n_rows_) {
      return with_hint(make_error(ErrorCode::kCorrupt,
                                  "{}: has {} tokens, but the embedding of the model only {} rows",
                                  where_, n_tokens, n_rows_),
                       "take the tokenizer of the same model");
    }
    std::vector<std::string> tokens;
    std::vector<int32_t> types;
    for (TokenId id = 0; id < vocabulary.size(); ++id) {
      const std::string& text = vocabulary.text(id);
      // A gap has no spelling, and spellings must differ.
      tokens.push_back(text.empty() ? fmt::format("[PAD{}]", id) : text);
      types.push_back(
          static_cast<int32_t>(text.empty() ? TokenType::kUnused : vocabulary.type(id)));
    }
    for (uint64_t id = n_tokens; id < n_rows_; ++id) {
      tokens.push_back(fmt::format("[PAD{}]", id));
      types.push_back(static_cast<int32_t>(TokenType::kUnused));
    }
    if (n_tokens < n_rows_) {
      written_.warnings.push_back(
          fmt::format("the embedding has {} rows more than the tokenizer has tokens; they are "
                      "marked unused",
                      n_rows_ - n_tokens));
    }
    TERN_RETURN_IF_ERROR(add("tokens", make_array(std::move(tokens))));
    return add("token_type", make_array(types));
  }

  Result<void> add_special(TokenizerParts& parts) {
    SpecialTokens special = parts.special;
    // GGUF has three ids that end a text; others are known by their spelling only.
    for (const TokenId id : parts.end_of_generation) {
      if (id == special.eos || id == special.eot || id == special.eom) continue;
      if (!special.eot) {
        special.eot = id;
      } else if (!special.eom) {
        special.eom = id;
      }
    }
    const std::pair<const char*, std::optional<TokenId>> ids[] = {
        {"bos_token_id", special.bos},     {"eos_token_id", special.eos},
        {"eot_token_id", special.eot},     {"eom_token_id", special.eom},
        {"unknown_token_id", special.unk}, {"padding_token_id", special.pad}};
    for (const auto& [name, id] : ids) {
      if (id) TERN_RETURN_IF_ERROR(add(name, make_value(static_cast<uint32_t>(*id))));
    }
    if (special.bos && special.bos == special.eos) {
      written_.warnings.push_back(
          fmt::format("token {} begins and ends a text; it is {}put in front", *special.bos,
                      special.add_bos ? "" : "not "));
    }
    TERN_RETURN_IF_ERROR(add("add_bos_token", make_value(special.add_bos)));
    return add("add_eos_token", make_value(special.add_eos));
  }

  Result<void> add_bpe(BpeSpec& spec) {
    const std::optional<std::string_view> pre = name_of_stages(spec.pre_tokenizer.stages());
    if (!pre) {
      return with_hint(
          make_error(ErrorCode::kUnsupported,
                     "{}: GGUF has no name for the rule by which it splits text", where_),
          "tern knows " + known_pre_tokenizers());
    }
    TERN_RETURN_IF_ERROR(add("model", make_value("gpt2")));
    TERN_RETURN_IF_ERROR(add("pre", make_value(*pre)));
    const Vocabulary& vocabulary = spec.parts.vocabulary;
    TERN_RETURN_IF_ERROR(add_vocabulary(vocabulary));
    std::vector<std::string> merges;
    merges.reserve(spec.merges.size());
    for (const Merge& merge : spec.merges) {
      merges.push_back(vocabulary.text(merge.left) + " " + vocabulary.text(merge.right));
    }
    TERN_RETURN_IF_ERROR(add("merges", make_array(std::move(merges))));
    written_.description = fmt::format("BPE, split {}, {} tokens", *pre, vocabulary.size());
    return add_special(spec.parts);
  }

  Result<void> add_spm(SpmSpec& spec) {
    TERN_RETURN_IF_ERROR(add("model", make_value("llama")));
    TERN_RETURN_IF_ERROR(add_vocabulary(spec.parts.vocabulary));
    std::vector<float> scores = spec.scores;
    scores.resize(static_cast<size_t>(n_rows_), 0.0f);
    TERN_RETURN_IF_ERROR(add("scores", make_array(scores)));
    TERN_RETURN_IF_ERROR(add("add_space_prefix", make_value(spec.add_space_prefix)));
    if (spec.remove_extra_whitespace) {
      TERN_RETURN_IF_ERROR(add("remove_extra_whitespaces", make_value(true)));
    }
    written_.description = fmt::format("SPM, {} tokens", spec.parts.vocabulary.size());
    return add_special(spec.parts);
  }

  WrittenTokenizer take() { return std::move(written_); }
  std::vector<std::string>& warnings() { return written_.warnings; }

 private:
  uint64_t n_rows_;
  const std::string& where_;
  gguf::Metadata* metadata_;
  WrittenTokenizer written_;
};

// Every token's own text and a few samples must give the same ids.
Result<void> compare(const Tokenizer& original, const Tokenizer& written, const std::string& where,
                     std::vector<std::string>* warnings) {
  constexpr EncodeOptions kPlain = {.add_special = true, .parse_special = false};
  uint64_t n_texts = 0, n_different = 0;
  std::string example;
  const auto look_at = [&](const std::string& text) -> Result<void> {
    TERN_ASSIGN_OR_RETURN(const std::vector<TokenId> a, original.encode(text, kPlain));
    TERN_ASSIGN_OR_RETURN(const std::vector<TokenId> b, written.encode(text, kPlain));
    ++n_texts;
    if (a == b) return {};
    if (n_different++ == 0) example = printable(text, 40);
    return {};
  };
  for (const char* sample : kSamples) TERN_RETURN_IF_ERROR(look_at(sample));
  const bool samples_differ = n_different > 0;
  for (TokenId id = 0; id < original.n_vocab(); ++id) {
    if (original.is_control(id)) continue;
    const std::string text = original.token_bytes(id);
    if (!text.empty()) TERN_RETURN_IF_ERROR(look_at(text));
  }
  if (n_different == 0) return {};
  const std::string what = fmt::format(
      "{} of {} texts get other tokens from the GGUF keys than from {}, for example '{}'",
      n_different, n_texts, where, example);
  if (samples_differ || n_different > n_texts / 100) {
    return with_hint(make_error(ErrorCode::kUnsupported, "{}", what),
                     "the tokenizer does something that GGUF has no key for");
  }
  warnings->push_back(what);
  return {};
}

Result<std::vector<uint8_t>> read_file(const std::string& path) {
  TERN_ASSIGN_OR_RETURN(const auto source, open_file_source(path));
  return read_all(*source, kMaxJsonBytes);
}

std::string_view text_of(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<WrittenTokenizer> tokenizer_to_gguf(const std::string& folder, uint64_t n_rows,
                                           const LogSink& log, gguf::Metadata* metadata) {
  TERN_ASSIGN_OR_RETURN(const HfConfig config, read_hf_config(folder));
  const std::string json_path = (fs::path(folder) / "tokenizer.json").string();
  const std::string model_path = (fs::path(folder) / "tokenizer.model").string();
  std::error_code error;
  std::shared_ptr<const Tokenizer> original;
  gguf::Metadata keys;  // on their own, to be read back
  std::string where = json_path;
  Writer writer(n_rows, where, &keys);
  bool done = false;
  if (fs::exists(json_path, error)) {
    TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_file(json_path));
    TERN_ASSIGN_OR_RETURN(BpeSpec spec, bpe_spec_from_json(text_of(bytes), json_path, config, log));
    // The other kind is SentencePiece respelled; the original says more.
    if (spec.byte_level) {
      TERN_RETURN_IF_ERROR(writer.add_bpe(spec));
      original = BpeTokenizer::create(std::move(spec));
      done = true;
    } else if (!fs::exists(model_path, error)) {
      return with_hint(make_error(ErrorCode::kUnsupported,
                                  "{}: is a SentencePiece tokenizer, and tokenizer.model is not "
                                  "beside it",
                                  json_path),
                       "put the tokenizer.model of the same model into the folder");
    }
  }
  if (!done) {
    where = model_path;
    if (!fs::exists(model_path, error)) {
      return with_hint(
          make_error(ErrorCode::kNotFound,
                     "{}: the folder has neither tokenizer.json nor tokenizer.model", folder),
          "download the tokenizer of the model too");
    }
    TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_file(model_path));
    if (looks_like_tiktoken(text_of(bytes))) {
      return with_hint(make_error(ErrorCode::kUnsupported,
                                  "{}: is in tiktoken's form, which says too little", model_path),
                       "download the tokenizer.json of the model too");
    }
    TERN_ASSIGN_OR_RETURN(SpmSpec spec, spm_spec_from_sentencepiece(bytes, model_path, config));
    TERN_RETURN_IF_ERROR(writer.add_spm(spec));
    TERN_ASSIGN_OR_RETURN(original, SpmTokenizer::create(std::move(spec)));
  }
  auto written = tokenizer_from_gguf(keys, log);
  if (!written) return with_context(std::move(written).error(), where + " as GGUF keys");
  TERN_RETURN_IF_ERROR(compare(*original, **written, where, &writer.warnings()));
  const auto ends_a = original->end_of_generation(), ends_b = (*written)->end_of_generation();
  if (!std::equal(ends_a.begin(), ends_a.end(), ends_b.begin(), ends_b.end())) {
    writer.warnings().push_back(
        fmt::format("the texts of the model end at tokens {}, of which GGUF keys say {}",
                    fmt::join(ends_a, ", "), fmt::join(ends_b, ", ")));
  }
  for (const auto& [key, value] : keys.entries()) TERN_RETURN_IF_ERROR(metadata->add(key, value));
  return writer.take();
}

}  // namespace tern
