// A GGUF file as a source, its metadata repaired where published files are known to be wrong.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/result.h"
#include "convert/open_source.h"
#include "gguf/writer.h"
#include "model/known_faults.h"
#include "model/open_model.h"
#include "tokenizer/from_gguf.h"

namespace tern::convert {
namespace {

using tensor::Format;
using tensor::FormatKind;

constexpr const char* kArchKey = "general.architecture";
constexpr const char* kTemplateKey = "tokenizer.chat_template";
constexpr const char* kPreKey = "tokenizer.ggml.pre";
constexpr const char* kEotKey = "tokenizer.ggml.eot_token_id";

// What BitNet-b1.58-2B-4T was trained with.
constexpr const char* kTemplate2B =
    "{% for message in messages %}{{ message['role'] | capitalize + ': ' + message['content'] | "
    "trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif "
    "%}";

Role role_of(const std::string& name, const model::OpenModel& open) {
  if (name == "token_embd.weight") return Role::kEmbedding;
  if (name == "output.weight") return Role::kHead;
  for (const model::LayerSources& layer : open.plan.layers) {
    for (const model::MatrixSource* matrix :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      if (matrix->tensor->name == name) return Role::kLinear;
    }
  }
  return Role::kOther;
}

class GgufSource {
 public:
  GgufSource(model::OpenModel open, SourceModel* out)
      : open_(std::move(open)), faults_(model::known_faults(open_)), out_(out) {}

  Result<void> run() {
    const gguf::Reader& reader = open_.reader;
    out_->kind = fmt::format("GGUF v{}", reader.version());
    out_->source_bytes = reader.file_bytes();
    TERN_RETURN_IF_ERROR(add_keys());
    for (const gguf::TensorInfo& info : reader.tensors()) {
      if (companions_.count(info.name) != 0) continue;
      TERN_RETURN_IF_ERROR(add_tensor(info));
    }
    return {};
  }

  // Companions `.scale` become part of the scales of their matrices.
  Result<void> find_companions() {
    const auto look = [&](const model::MatrixSource& matrix) {
      if (matrix.tensor != nullptr && matrix.scale != nullptr) {
        companions_.insert(matrix.scale->name);
        scale_of_[matrix.tensor->name] = matrix.scale;
      }
    };
    look(open_.plan.embedding);
    look(open_.plan.head);
    for (const model::LayerSources& layer : open_.plan.layers) {
      for (const model::MatrixSource* matrix :
           {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
        look(*matrix);
      }
    }
    for (const auto& [name, info] : scale_of_) {
      const Format& format = tensor::format_of(static_cast<tensor::DType>(info->type));
      std::vector<uint8_t> bytes(static_cast<size_t>(info->n_bytes));
      TERN_RETURN_IF_ERROR(open_.reader.read(*info, 0, bytes));
      format.dequantize(bytes.data(), &factor_[name], 1);
    }
    return {};
  }

 private:
  bool has(model::Fault fault) const {
    return std::any_of(faults_.begin(), faults_.end(),
                       [&](const model::KnownFault& known) { return known.fault == fault; });
  }

  Result<void> add_keys() {
    for (const model::KnownFault& known : faults_) out_->repairs.push_back(known.text);
    const std::string old_arch = open_.arch->name;
    out_->architecture =
        has(model::Fault::kArchitectureName) ? model::kSquaredReluArchitecture : old_arch;
    out_->family = out_->architecture;
    out_->family_reason = "architecture of the file";
    for (const auto& [key, value] : open_.reader.metadata().entries()) {
      if (key.starts_with("split.")) continue;
      std::string name = key;
      gguf::Value copy = value;
      if (key == kArchKey) copy = gguf::make_value(out_->architecture);
      if (key.starts_with(old_arch + ".")) {
        name = out_->architecture + key.substr(old_arch.size());
      }
      if (key == kTemplateKey && has(model::Fault::kFirstTemplate)) {
        copy = gguf::make_value(kTemplate2B);
      }
      TERN_RETURN_IF_ERROR(out_->metadata.add(std::move(name), std::move(copy)));
    }
    if (has(model::Fault::kNoPreTokenizer)) {
      TERN_RETURN_IF_ERROR(
          out_->metadata.add(kPreKey, gguf::make_value(model::kLlama3PreTokenizer)));
    }
    if (has(model::Fault::kNoEndOfTurn)) {
      TERN_RETURN_IF_ERROR(out_->metadata.add(kEotKey, gguf::make_value(model::kLlama3EndOfTurn)));
    }
    return {};
  }

  Result<void> add_tensor(const gguf::TensorInfo& info) {
    const Format& format = tensor::format_of(static_cast<tensor::DType>(info.type));
    SourceTensor tensor;
    tensor.name = tensor.source_name = info.name;
    tensor.source_type = format.name;
    tensor.shape = info.shape;
    tensor.role = role_of(info.name, open_);
    const auto file = shared_source(info);
    const uint64_t k = info.shape.back();
    const uint64_t n_rows = info.n_elements() / k;
    if (format.kind == FormatKind::kTernary) {
      const auto factor = factor_.find(info.name);
      TERN_ASSIGN_OR_RETURN(
          tensor.ternary,
          stored_ternary(file, info.offset, format, n_rows, k,
                         factor == factor_.end() ? 1.0f : factor->second, info.name));
      // A file with ternary matrices whose containers are of no BitNet family.
      if (format.scope == tensor::ScaleScope::kGroup && !open_.arch->token_activations) {
        out_->float_activations = true;
      }
    } else {
      tensor.dense =
          std::make_unique<DenseSource>(DenseSource{file, info.offset, &format, n_rows, k, {}});
      if (tensor.role == Role::kLinear && !open_.arch->token_activations) {
        out_->float_activations = true;
      }
    }
    out_->tensors.push_back(std::move(tensor));
    return {};
  }

  // The reader lends its sources; the model to be converted shares them.
  std::shared_ptr<const ByteSource> shared_source(const gguf::TensorInfo& info) {
    return out_->files[info.shard];
  }

  model::OpenModel open_;
  std::vector<model::KnownFault> faults_;
  SourceModel* out_;
  std::set<std::string> companions_;
  std::map<std::string, const gguf::TensorInfo*> scale_of_;  // by matrix
  std::map<std::string, float> factor_;                      // by matrix
};

}  // namespace

Result<model::OpenModel> open_gguf_model(
    const std::vector<std::shared_ptr<const ByteSource>>& files, bool i2s_arm_layout,
    const LogSink& log) {
  const auto layout = i2s_arm_layout ? tensor::I2sLayout::kArm : tensor::I2sLayout::kX86;
  LoadOptions load;
  load.i2s_arm_layout = i2s_arm_layout;
  load.log = log;
  for (;;) {
    TERN_ASSIGN_OR_RETURN(gguf::Reader reader,
                          gguf::Reader::open_sources(files, tensor::type_resolver(layout), log));
    TERN_ASSIGN_OR_RETURN(const std::string arch, reader.metadata().get_string(kArchKey));
    auto open = model::open_model(std::move(reader), load);
    // Whoever computes with a file of architecture bitnet has to know its activation; what its
    // tensors hold does not depend on it.
    if (open || arch != "bitnet" || load.ffn_activation != FfnActivation::kAuto) return open;
    load.ffn_activation = FfnActivation::kSilu;
  }
}

Result<SourceModel> open_gguf_source(const std::string& path, const SourceOptions& options) {
  if (!options.family.empty()) {
    return make_error(ErrorCode::kUsage, "--family is for checkpoints; {} is a GGUF file", path);
  }
  SourceModel model;
  model.path = path;
  TERN_ASSIGN_OR_RETURN(model.files, gguf::open_shards(path));
  TERN_ASSIGN_OR_RETURN(model::OpenModel open,
                        open_gguf_model(model.files, options.i2s_arm_layout, options.log));
  GgufSource source(std::move(open), &model);
  TERN_RETURN_IF_ERROR(source.find_companions());
  TERN_RETURN_IF_ERROR(source.run());
  return model;
}

Result<SourceModel> open_source(const std::string& path, const SourceOptions& options) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return open_checkpoint_source(path, options);
  return open_gguf_source(path, options);
}

}  // namespace tern::convert
