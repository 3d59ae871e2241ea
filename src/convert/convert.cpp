#include "tern/convert.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>

#include "base/log.h"
#include "base/result.h"
#include "convert/examine.h"
#include "convert/marks.h"
#include "convert/open_source.h"
#include "convert/target.h"
#include "convert/tensor_writer.h"
#include "gguf/file_writer.h"
#include "gguf/writer.h"
#include "model/marks.h"
#include "tern/cpu.h"

namespace tern {
namespace convert {
namespace {

namespace fs = std::filesystem;

using tensor::Format;
using tensor::FormatKind;

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat of_a {
  }, of_b{};
  return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 &&
         of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

Result<void> check_output(const SourceModel& source, const std::string& output, bool overwrite) {
  for (const auto& file : source.files) {
    if (is_same_file(file->name(), output)) {
      return with_hint(make_error(ErrorCode::kUsage, "{}: is the source itself", output),
                       "name another output");
    }
  }
  std::error_code error;
  if (fs::is_directory(output, error)) {
    return make_error(ErrorCode::kUsage, "{}: is a folder; name the file to be written", output);
  }
  if (fs::exists(output, error) && !overwrite) {
    return with_hint(make_error(ErrorCode::kUsage, "{}: exists already", output),
                     "name another output, or replace it with --force");
  }
  return {};
}

std::string scope_text(const tensor::ScaleGrid& grid) {
  switch (grid.scope) {
    case tensor::ScaleScope::kTensor:
      return "tensor";
    case tensor::ScaleScope::kRow:
      return "row";
    case tensor::ScaleScope::kGroup:
      return fmt::format("group {}", grid.group);
  }
  return "";
}

class Conversion {
 public:
  Conversion(SourceModel source, const ConvertOptions& options, const WorkerPool& pool)
      : source_(std::move(source)), options_(options), pool_(pool) {}

  Result<ConvertReceipt> run(const std::string& output) {
    TERN_RETURN_IF_ERROR(check_output(source_, output, options_.overwrite));
    TERN_RETURN_IF_ERROR(check_compat(source_, options_.compat));
    TERN_RETURN_IF_ERROR(check_head());
    TERN_RETURN_IF_ERROR(look());
    TERN_ASSIGN_OR_RETURN(target_, choose_target(source_, options_));
    if (target_.target->bitnet_only && source_.float_activations) {
      source_.warnings.push_back(fmt::format(
          "{} stands for models trained with int8 activations, which this one was not: tern needs "
          "--act group for it",
          target_.target->name));
    }
    TERN_RETURN_IF_ERROR(choose_formats());
    TERN_RETURN_IF_ERROR(add_marks());
    TERN_RETURN_IF_ERROR(write(output));
    return receipt(output);
  }

 private:
  bool interrupted() const {
    return options_.interrupt != nullptr && options_.interrupt->load(std::memory_order_relaxed);
  }

  void progress(const char* stage, uint64_t n_bytes) {
    done_bytes_ += n_bytes;
    if (options_.progress) {
      options_.progress(stage, std::min(done_bytes_, total_bytes_), total_bytes_);
    }
  }

  // Bytes of the source, as the encoder counts them.
  static uint64_t work_of(const SourceTensor& tensor) {
    if (tensor.ternary != nullptr) return tensor.ternary->n_rows() * tensor.ternary->k() / 4;
    return tensor.dense == nullptr ? 0 : tensor.dense->n_rows * tensor.dense->row_bytes();
  }

  Result<void> check_head() const {
    const bool has_head = std::any_of(source_.tensors.begin(), source_.tensors.end(),
                                      [](const auto& t) { return t.role == Role::kHead; });
    if (options_.head.empty() || has_head) return {};
    return with_hint(
        make_error(ErrorCode::kUsage, "--head: {} has no head of its own", source_.path),
        "its embedding is its head: use --embedding");
  }

  Result<void> look() {
    for (const SourceTensor& tensor : source_.tensors) {
      if (tensor.dense != nullptr && tensor.role == Role::kLinear) total_bytes_ += work_of(tensor);
    }
    ExamineOptions examine_options;
    examine_options.ternarize = options_.ternarize;
    examine_options.round_scales = options_.round_scales;
    examine_options.embedding_too = options_.embedding.empty();
    examine_options.head_too = options_.head.empty();
    examine_options.interrupt = options_.interrupt;
    examine_options.progress = [this](uint64_t n) { progress("examining", n); };
    return examine(&source_, pool_, examine_options);
  }

  Result<const Format*> format_for(const SourceTensor& tensor) const {
    const bool embedding = tensor.role == Role::kEmbedding;
    if (embedding || tensor.role == Role::kHead) {
      const std::string& wanted = embedding ? options_.embedding : options_.head;
      if (!wanted.empty()) return find_dense_format(embedding ? "--embedding" : "--head", wanted);
    }
    if (tensor.ternary != nullptr) return &tensor::format_of(target_.target->dtype);
    if (source_.stored_as_gguf && tensor.dense != nullptr) return tensor.dense->format;
    const bool matrix = embedding || tensor.role == Role::kHead;
    return &tensor::format_of(matrix ? tensor::DType::kF16 : tensor::DType::kF32);
  }

  Result<void> choose_formats() {
    for (const SourceTensor& tensor : source_.tensors) {
      TERN_ASSIGN_OR_RETURN(const Format* format, format_for(tensor));
      auto n_bytes = tensor::tensor_bytes(*format, tensor.shape);
      if (!n_bytes) {
        Error error = with_context(std::move(n_bytes).error(), "tensor " + tensor.name);
        error.code = ErrorCode::kUnsupported;
        return error;
      }
      formats_.push_back(format);
      specs_.push_back({tensor.name, tensor.shape, format->gguf_id, *n_bytes});
    }
    return {};
  }

  // Says what type most tensors have, in the place where the source said it; nothing where programs
  // do not agree on a number.
  Result<void> set_file_type() {
    gguf::Metadata metadata;
    const int type = target_.target->file_type;
    const gguf::Value value = gguf::make_value(static_cast<uint32_t>(std::max(type, 0)));
    for (const auto& [key, old] : source_.metadata.entries()) {
      if (key != kFileTypeKey) {
        TERN_RETURN_IF_ERROR(metadata.add(key, old));
      } else if (type >= 0) {
        TERN_RETURN_IF_ERROR(metadata.add(key, value));
      }
    }
    if (type >= 0 && !metadata.has(kFileTypeKey)) {
      TERN_RETURN_IF_ERROR(metadata.add(kFileTypeKey, value));
    }
    source_.metadata = std::move(metadata);
    return {};
  }

  Result<void> add_marks() {
    TERN_RETURN_IF_ERROR(set_file_type());
    gguf::Metadata& metadata = source_.metadata;
    const auto n_rounded = std::count_if(source_.tensors.begin(), source_.tensors.end(),
                                         [](const auto& t) { return t.relative_error > 0.0; });
    if (n_rounded > 0) {
      source_.warnings.push_back(
          fmt::format("{} matrices were not ternary and have been rounded", n_rounded));
      TERN_RETURN_IF_ERROR(metadata.add(model::kTernarizedKey, gguf::make_value("absmean")));
      if (!metadata.has(kDescriptionKey)) {
        TERN_RETURN_IF_ERROR(metadata.add(
            kDescriptionKey, gguf::make_value("weights rounded to ternary after training; not "
                                              "what the model was trained to be")));
      }
    }
    if (options_.round_scales) {
      TERN_RETURN_IF_ERROR(metadata.add(kRoundedScalesKey, gguf::make_value(true)));
    }
    return {};
  }

  Result<void> write(const std::string& output) {
    TERN_ASSIGN_OR_RETURN(gguf::FileLayout layout, gguf::lay_out_file(source_.metadata, specs_));
    TERN_ASSIGN_OR_RETURN(gguf::FileWriter file,
                          gguf::FileWriter::create(output, std::move(layout)));
    output_bytes_ = file.file_bytes();
    done_bytes_ = total_bytes_ = 0;
    for (const SourceTensor& tensor : source_.tensors) total_bytes_ += work_of(tensor);
    EncodeOptions encode_options;
    encode_options.round_scales = options_.round_scales;
    encode_options.interrupt = options_.interrupt;
    encode_options.progress = [this](uint64_t n) { progress("converting", n); };
    for (size_t i = 0; i < source_.tensors.size(); ++i) {
      const auto take = [&](uint64_t offset, std::span<const uint8_t> bytes, int) {
        return file.write(i, offset, bytes);
      };
      TERN_ASSIGN_OR_RETURN(const CodeCounts counts, encode_tensor(source_.tensors[i], *formats_[i],
                                                                   pool_, encode_options, take));
      if (interrupted()) {
        return make_error(ErrorCode::kInterrupted, "the conversion was interrupted");
      }
      counts_.push_back(counts);
    }
    progress("writing to the disk", 0);
    return file.finish();
  }

  ConvertReceipt receipt(const std::string& output) {
    ConvertReceipt receipt;
    receipt.source = source_.path;
    receipt.output = output;
    receipt.source_kind = source_.kind;
    receipt.family = source_.family;
    receipt.family_reason = source_.family_reason;
    receipt.architecture = source_.architecture;
    receipt.target = target_.target->name;
    receipt.target_reason = target_.reason;
    receipt.tokenizer = source_.tokenizer;
    receipt.chat_template = source_.chat_template;
    receipt.repairs = source_.repairs;
    receipt.warnings = source_.warnings;
    receipt.source_bytes = source_.source_bytes;
    receipt.output_bytes = output_bytes_;
    for (size_t i = 0; i < source_.tensors.size(); ++i) {
      const SourceTensor& tensor = source_.tensors[i];
      TensorReceipt row;
      row.name = tensor.name;
      row.shape = tensor.shape;
      row.source_type = tensor.source_type;
      row.type = formats_[i]->name;
      row.n_bytes = specs_[i].n_bytes;
      row.ternary = tensor.ternary != nullptr;
      if (row.ternary) {
        const auto [low, high] =
            std::minmax_element(tensor.grid.values.begin(), tensor.grid.values.end());
        row.scale_scope = scope_text(tensor.grid);
        row.scale_min = *low;
        row.scale_max = *high;
        row.n_minus = counts_[i].n_minus;
        row.n_zero = counts_[i].n_zero;
        row.n_plus = counts_[i].n_plus;
        row.relative_error = tensor.relative_error;
      }
      receipt.tensors.push_back(std::move(row));
    }
    return receipt;
  }

  SourceModel source_;
  const ConvertOptions& options_;
  const WorkerPool& pool_;
  ChosenTarget target_;
  // By tensor:
  std::vector<const Format*> formats_;
  std::vector<gguf::TensorSpec> specs_;
  std::vector<CodeCounts> counts_;
  uint64_t done_bytes_ = 0, total_bytes_ = 0, output_bytes_ = 0;
};

Result<ConvertReceipt> convert_all(const std::string& source, const std::string& output,
                                   const ConvertOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  SourceOptions source_options;
  source_options.family = options.family;
  source_options.i2s_arm_layout = options.i2s_arm_layout;
  source_options.log = options.log;
  TERN_ASSIGN_OR_RETURN(SourceModel model, open_source(source, source_options));
  const int n_threads =
      options.n_threads > 0 ? options.n_threads : cpu_topology().n_default_threads;
  TERN_ASSIGN_OR_RETURN(const std::unique_ptr<WorkerPool> pool, WorkerPool::create(n_threads));
  TERN_ASSIGN_OR_RETURN(ConvertReceipt receipt,
                        Conversion(std::move(model), options, *pool).run(output));
  receipt.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return receipt;
}

}  // namespace
}  // namespace convert

Result<ConvertReceipt> convert_model(const std::string& source, const std::string& output,
                                     const ConvertOptions& options) {
  try {
    return convert::convert_all(source, output, options);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory to convert it", source);
  }
}

}  // namespace tern
