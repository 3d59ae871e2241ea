#include <algorithm>
#include <new>

#include "base/result.h"
#include "model/known_faults.h"
#include "model/open_model.h"
#include "tensor/dtype_table.h"
#include "tern/cpu.h"
#include "tern/session.h"
#include "tokenizer/from_gguf.h"

namespace tern {
namespace {

constexpr size_t kMaxTextShown = 160;

std::string shortened(const std::string& text) {
  if (text.size() <= kMaxTextShown) return text;
  size_t end = kMaxTextShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + fmt::format("... ({} bytes)", text.size());
}

std::string value_text(const gguf::Value& value) {
  struct Visitor {
    std::string operator()(uint64_t v) const { return fmt::format("{}", v); }
    std::string operator()(int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{:g}", v); }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(const std::string& v) const { return shortened(v); }
    std::string operator()(const gguf::Array& v) const {
      std::string text = fmt::format("[{} x {}]", v.count, gguf::value_type_name(v.element_type));
      for (size_t i = 0; i < std::min<size_t>(v.strings.size(), 4); ++i) {
        text += " \"" + shortened(v.strings[i]) + "\"";
      }
      if (v.strings.size() > 4) text += " ...";
      return text;
    }
  };
  return std::visit(Visitor{}, value.data);
}

}  // namespace

Result<Inspection> inspect_model(const std::string& path, const LoadOptions& options) try {
  TERN_ASSIGN_OR_RETURN(gguf::Reader reader, model::open_reader(path, options));
  Inspection inspection;
  inspection.info = model::describe_file(reader);
  for (const gguf::TensorInfo& tensor : reader.tensors()) {
    inspection.tensors.push_back({tensor.name,
                                  tensor::format_of(static_cast<tensor::DType>(tensor.type)).name,
                                  tensor.shape, tensor.n_bytes, tensor.offset});
  }
  for (const auto& [key, value] : reader.metadata().entries()) {
    inspection.metadata.push_back({key, gguf::value_type_name(value.type), value_text(value)});
  }

  const LogSink collect = [&inspection](LogLevel level, std::string_view message) {
    if (level == LogLevel::kWarning) inspection.info.repairs.emplace_back(message);
  };
  if (auto tokenizer = tokenizer_from_gguf(reader.metadata(), collect)) {
    inspection.special = (*tokenizer)->special();
    inspection.tokenizer_kind = (*tokenizer)->kind();
    inspection.pre_tokenizer = (*tokenizer)->pre_tokenizer();
    inspection.tokenizer_n_vocab = (*tokenizer)->n_vocab();
  } else {
    inspection.tokenizer_error = tokenizer.error().message;
  }

  auto open = model::open_model(std::move(reader), options);
  if (!open) {
    // The file is fine, what was asked of it is not.
    if (open.error().code == ErrorCode::kUsage) return std::move(open).error();
    inspection.unsupported = open.error().message;
    if (!open.error().hint.empty()) inspection.unsupported += "; " + open.error().hint;
    return inspection;
  }
  for (model::KnownFault& fault : model::known_faults(*open)) {
    inspection.info.repairs.push_back(std::move(fault.text));
  }
  model::describe_model(*open, &inspection.info);
  inspection.plan_n_ctx = resolve_n_ctx(inspection.info, options.n_ctx);
  inspection.plan = model::plan_memory(*open, inspection.plan_n_ctx, options.kv, options.n_batch,
                                       cpu_topology().n_default_threads);
  return inspection;
} catch (const std::bad_alloc&) {
  return make_error(ErrorCode::kOutOfMemory, "{}: no memory for the metadata", path);
}

}  // namespace tern
