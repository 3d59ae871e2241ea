#include <array>
#include <filesystem>

#include "base/byte_source.h"
#include "base/result.h"
#include "gguf/reader.h"
#include "json/json_value.h"
#include "tern/tokenizer.h"
#include "tokenizer/from_gguf.h"
#include "tokenizer/hf_config.h"
#include "tokenizer/hf_tokenizer.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/tiktoken.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

// Largest known: 33 MB of tokenizer.json.
constexpr uint64_t kMaxTokenizerBytes = kMaxJsonBytes;

using TokenizerResult = Result<std::shared_ptr<const Tokenizer>>;

TokenizerResult from_gguf_file(const std::string& path, const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(const gguf::Reader reader,
                        gguf::Reader::open(path, gguf::any_tensor_type(), log));
  TokenizerResult tokenizer = tokenizer_from_gguf(reader.metadata(), log);
  if (!tokenizer && tokenizer.error().message.find(path) == std::string::npos) {
    return with_context(std::move(tokenizer).error(), path);
  }
  return tokenizer;
}

TokenizerResult from_tokenizer_file(const std::string& path, const ByteSource& source,
                                    const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, read_all(source, kMaxTokenizerBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  TERN_ASSIGN_OR_RETURN(const HfConfig config,
                        read_hf_config(fs::path(path).parent_path().string()));
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool named_json = fs::path(path).extension() == ".json";
  if (named_json || (first != std::string_view::npos && text[first] == '{')) {
    return tokenizer_from_json(text, path, config, log);
  }
  if (looks_like_tiktoken(text)) return tokenizer_from_tiktoken(text, path, config);
  return tokenizer_from_sentencepiece(bytes, path, config);
}

TokenizerResult from_file(const std::string& path, const LogSink& log) {
  TERN_ASSIGN_OR_RETURN(const std::shared_ptr<const ByteSource> source, open_file_source(path));
  std::array<uint8_t, 4> magic{};
  if (source->size_bytes() >= magic.size()) {
    TERN_RETURN_IF_ERROR(source->read_at(0, magic));
    if (magic == std::array<uint8_t, 4>{'G', 'G', 'U', 'F'}) return from_gguf_file(path, log);
  }
  return from_tokenizer_file(path, *source, log);
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_path(const std::string& path,
                                                              const LogSink& log) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return from_file(path, log);
  for (const char* name : {"tokenizer.json", "tokenizer.model"}) {
    const std::string file = (fs::path(path) / name).string();
    if (fs::exists(file, error)) return from_file(file, log);
  }
  return with_hint(
      make_error(ErrorCode::kNotFound,
                 "{}: the folder has neither tokenizer.json nor tokenizer.model", path),
      "name a folder of Hugging Face files, a GGUF file or a tokenizer file");
}

}  // namespace tern
