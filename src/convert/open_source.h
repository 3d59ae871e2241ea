// Opens what is to be converted: a GGUF file, or the folder of a Hugging Face checkpoint.
#pragma once

#include <string>

#include "convert/source.h"
#include "model/open_model.h"
#include "tern/log.h"

namespace tern::convert {

struct SourceOptions {
  std::string family;  // of a checkpoint; "": found out
  bool i2s_arm_layout = false;
  /// Tokenizer and chat template of a checkpoint are left out: for who only compares weights.
  bool tensors_only = false;
  LogSink log;
};

/// kNotFound, kCorrupt, kUnsupported, kUsage (an unknown family, or one for a GGUF file).
Result<SourceModel> open_source(const std::string& path, const SourceOptions& options);

Result<SourceModel> open_gguf_source(const std::string& path, const SourceOptions& options);
Result<SourceModel> open_checkpoint_source(const std::string& folder, const SourceOptions& options);

/// A GGUF file as the loader sees it: structure, configuration, plan of its tensors.
Result<model::OpenModel> open_gguf_model(
    const std::vector<std::shared_ptr<const ByteSource>>& files, bool i2s_arm_layout,
    const LogSink& log);

}  // namespace tern::convert
