// Conversion of ternary models to GGUF, and proof that a file holds what its source held. Plain
// functions over paths; any thread, one call at a time for an output.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tern/error.h"
#include "tern/log.h"

namespace tern {

/// The program whose rules the file has to keep besides the format's: types it computes,
/// architectures it knows.
enum class Compat { kAny, kLlamaCpp, kIk, kBitnetCpp };

struct ConvertOptions {
  /// Format of the ternary matrices, as convert_targets() names them. "": the smallest that holds
  /// the scales exactly and that `compat` reads.
  std::string to;
  /// Format of the embedding and of a head of its own: f32, f16, bf16, q8_0, q6_k, q4_0. "": as
  /// stored in a GGUF source, f16 from a checkpoint; ternary ones stay ternary. A tied head is the
  /// embedding.
  std::string embedding, head;
  Compat compat = Compat::kAny;
  /// Of a checkpoint, as convert_families() names them. "": by its configuration and tensors.
  std::string family;
  /// Matrices that are not ternary are made so: scale mean|W| per tensor. The file is marked.
  bool ternarize = false;
  /// Scales are rounded to f16 where the format has no others. The file is marked.
  bool round_scales = false;
  /// An output that is there is replaced.
  bool overwrite = false;
  bool i2s_arm_layout = false;  // of a GGUF source, see LoadOptions
  int n_threads = 0;            // 0: one per physical core
  /// Called from the converting thread: what is being done, and how far it is.
  std::function<void(std::string_view stage, uint64_t done_bytes, uint64_t total_bytes)> progress;
  /// Ends with kInterrupted soon after this becomes true; nothing is left behind. May be null.
  const std::atomic<bool>* interrupt = nullptr;
  LogSink log;
};

/// What was made of one tensor.
struct TensorReceipt {
  std::string name;
  std::vector<uint64_t> shape;  // row-major
  std::string source_type;      // "U8 packed", "BF16 online", "I2_S"
  std::string type;             // "I2_S"
  uint64_t n_bytes = 0;         // as stored
  bool ternary = false;
  // Of ternary ones:
  std::string scale_scope;  // "tensor", "row", "group 128"
  float scale_min = 0.0f, scale_max = 0.0f;
  uint64_t n_minus = 0, n_zero = 0, n_plus = 0;
  double relative_error = 0.0;  // ||W - converted|| / ||W||; 0 unless it was made ternary
};

struct ConvertReceipt {
  std::string source, output;
  std::string source_kind;  // "GGUF" or "Hugging Face checkpoint"
  std::string family, family_reason;
  std::string architecture;
  std::string target, target_reason;
  std::string tokenizer;      // "BPE, split llama-bpe, 128256 tokens"
  std::string chat_template;  // where it came from; "" without one
  std::vector<TensorReceipt> tensors;
  std::vector<std::string> repairs;   // what was put right in the source's metadata
  std::vector<std::string> warnings;  // what the user should know
  uint64_t source_bytes = 0, output_bytes = 0;
  double seconds = 0.0;
};

/// Converts a GGUF file or the folder of a Hugging Face checkpoint to a GGUF file. Codes and scales
/// are kept exactly unless the options say otherwise. Errors name file and tensor: kUsage (an
/// option, an output that is there or that is the source), kNotFound (also a full disk), kCorrupt,
/// kUnsupported (not ternary, or the format cannot hold it exactly), kOutOfMemory, kInterrupted.
/// Memory: a few tensors, whatever the size of the model.
Result<ConvertReceipt> convert_model(const std::string& source, const std::string& output,
                                     const ConvertOptions& options);

/// Names that ConvertOptions::to and ::family take.
std::vector<std::string> convert_targets();
std::vector<std::string> convert_families();

struct VerifyOptions {
  std::string against;  // "": the file alone
  std::string family;   // of `against`, see ConvertOptions
  bool i2s_arm_layout = false;
  /// A hash of every tensor too, not only of the file.
  bool hash_tensors = true;
  int n_threads = 0;
  std::function<void(std::string_view stage, uint64_t done_bytes, uint64_t total_bytes)> progress;
  const std::atomic<bool>* interrupt = nullptr;
  LogSink log;
};

struct VerifiedTensor {
  std::string name, type;
  std::vector<uint64_t> shape;  // row-major
  std::string sha256;           // of its bytes in the file, without padding; "": not asked for
  bool ternary = false;
  uint64_t n_minus = 0, n_zero = 0, n_plus = 0;
  float scale_min = 0.0f, scale_max = 0.0f;
  bool compared = false;  // equal to the source
};

struct VerifyReport {
  std::string path, against;
  std::string sha256;  // of the file, or of all parts one after the other
  uint64_t file_bytes = 0;
  std::vector<VerifiedTensor> tensors;
  uint64_t n_ternary_compared = 0;    // matrices whose codes and scales equal the source's
  uint64_t n_dense_compared = 0;      // tensors whose bytes are what the source's values give
  std::vector<std::string> checks;    // what was shown, a line each
  std::vector<std::string> warnings;  // unusual, but not wrong
  std::vector<std::string> mistakes;  // wrong; empty for a file that is proved
};

/// Reads a GGUF file back: every structural rule of the loader, every code and scale, the
/// tokenizer, and with `against` that codes and scales equal the source's bit by bit and dense
/// tensors are what its values give in their format. What is wrong with the file's contents is in
/// `mistakes`; an Error is returned where it cannot be read or the source cannot.
Result<VerifyReport> verify_model(const std::string& path, const VerifyOptions& options);

}  // namespace tern
