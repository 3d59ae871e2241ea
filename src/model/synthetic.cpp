#include "model/synthetic.h"

#include "base/result.h"
#include "model/model_impl.h"
#include "model/synthetic_file.h"
#include "model/synthetic_shapes.h"

namespace tern {
namespace model {
namespace {

using tensor::DType;
using tensor::Format;
using tensor::FormatKind;

/// Formats that random matrices can be made in. Q1_0 has no code for zero, so nothing ternary is in
/// it; TL1 and TL2 cannot be decoded; I2_S_ARM is I2_S read the other way (LoadOptions).
bool is_offered(const Format& format) {
  if (format.dtype == DType::kQ1_0 || format.dtype == DType::kI2_S_ARM) return false;
  return format.pack != nullptr || format.quantize != nullptr;
}

/// kUsage saying why when a format cannot hold all the matrices.
Result<void> check_holds(const Format& format, const std::vector<ShapeMatrix>& matrices) {
  for (const ShapeMatrix& matrix : matrices) {
    auto n_bytes = bytes_in_format(format, matrix.n_rows, matrix.k);
    if (n_bytes) continue;
    return with_context(std::move(n_bytes).error(),
                        fmt::format("{} [{}, {}]", matrix.name, matrix.n_rows, matrix.k));
  }
  return {};
}

/// The format asked for, or an error that says why not and names those that can be had.
/// what: "weights" or "head".
Result<const Format*> choose_format(const ShapeRow& shape, const std::string& what,
                                    const std::string& name, bool dense_too,
                                    const std::vector<ShapeMatrix>& matrices) {
  const auto suits = [dense_too](const Format& format) {
    return is_offered(format) && (dense_too || format.kind == FormatKind::kTernary);
  };
  std::string reason = "no such format";
  if (const Format* format = tensor::find_format(name)) {
    if (!suits(*format)) {
      reason = format->kind == FormatKind::kDense ? "not a ternary format"
                                                  : "random models cannot be made in it";
    } else if (auto held = check_holds(*format, matrices); held) {
      return format;
    } else {
      reason = held.error().message;
    }
  }
  std::string names;
  for (const Format& format : tensor::all_formats()) {
    if (!suits(format) || !check_holds(format, matrices)) continue;
    if (!names.empty()) names += ", ";
    names += format.name;
  }
  return with_hint(make_error(ErrorCode::kUsage, "synthetic model {}: {} as '{}': {}", shape.name,
                              what, name, reason),
                   fmt::format("{} of this shape can be {}", what, names));
}

Result<ShapeRow> shape_of_size(const SyntheticOptions& options, const SyntheticSize& size) {
  const ShapeRow* row = find_shape(options.shape);
  if (row == nullptr) {
    std::string names;
    for (const ShapeRow& shape : all_shapes()) {
      if (!names.empty()) names += ", ";
      names += shape.name;
    }
    return with_hint(
        make_error(ErrorCode::kUsage, "no synthetic model is called '{}'", options.shape),
        "there are " + names);
  }
  ShapeRow shape = *row;
  if (size.n_layer > 0) shape.n_layer = size.n_layer;
  if (size.n_embd > 0) shape.n_embd = size.n_embd;
  if (size.n_ff > 0) shape.n_ff = size.n_ff;
  if (size.n_vocab > 0) shape.n_vocab = size.n_vocab;
  return shape;
}

}  // namespace

std::string synthetic_path(const SyntheticOptions& options) { return "synthetic:" + options.shape; }

Result<gguf::Reader> open_synthetic(const SyntheticOptions& options, const LoadOptions& load,
                                    const SyntheticSize& size) {
  TERN_ASSIGN_OR_RETURN(const ShapeRow shape, shape_of_size(options, size));
  const auto name_of = [](DType dtype) { return std::string(tensor::format_of(dtype).name); };
  SyntheticFormats formats;
  TERN_ASSIGN_OR_RETURN(
      formats.linears,
      choose_format(shape, "weights",
                    options.weights.empty() ? name_of(shape.weights) : options.weights, false,
                    layer_matrices(shape)));
  // A family whose head is like its linears keeps it so.
  const DType usual_head = shape.head == shape.weights ? formats.linears->dtype : shape.head;
  const std::vector<ShapeMatrix> embedding = {{"token_embd", static_cast<uint64_t>(shape.n_vocab),
                                               static_cast<uint64_t>(shape.n_embd), false}};
  TERN_ASSIGN_OR_RETURN(
      formats.head,
      choose_format(shape, "head", options.head.empty() ? name_of(usual_head) : options.head, true,
                    embedding));
  // What is read in the ARM packing has to be written in it.
  if (load.i2s_arm_layout) {
    for (const Format** format : {&formats.linears, &formats.head}) {
      if ((*format)->dtype == DType::kI2_S) *format = &tensor::format_of(DType::kI2_S_ARM);
    }
  }
  TERN_ASSIGN_OR_RETURN(auto source,
                        make_synthetic_file(shape, formats, options.seed, synthetic_path(options)));
  const auto layout = load.i2s_arm_layout ? tensor::I2sLayout::kArm : tensor::I2sLayout::kX86;
  return gguf::Reader::open_sources({std::move(source)}, tensor::type_resolver(layout), load.log);
}

Result<std::shared_ptr<const Model>> load_synthetic_of_size(std::shared_ptr<const Engine> engine,
                                                            const SyntheticOptions& options,
                                                            const LoadOptions& load,
                                                            const SyntheticSize& size) {
  const auto open = [&](const LoadOptions& o) { return open_synthetic(options, o, size); };
  return ModelImpl::load(std::move(engine), synthetic_path(options), open, load);
}

}  // namespace model

std::vector<SyntheticShape> synthetic_shapes() {
  std::vector<SyntheticShape> shapes;
  for (const model::ShapeRow& row : model::all_shapes()) {
    shapes.push_back(
        {row.name,
         fmt::format("{}: {} layers of {}, feed-forward {}, {} query and {} key heads of {}, "
                     "vocabulary {}; {}, {} {}",
                     row.title, row.n_layer, row.n_embd, row.n_ff, row.n_head, row.n_head_kv,
                     row.head_dim, row.n_vocab, tensor::format_of(row.weights).name,
                     row.tied ? "tied head" : "head", tensor::format_of(row.head).name)});
  }
  return shapes;
}

Result<std::shared_ptr<const Model>> load_synthetic(std::shared_ptr<const Engine> engine,
                                                    const SyntheticOptions& synthetic,
                                                    const LoadOptions& options) {
  return model::load_synthetic_of_size(std::move(engine), synthetic, options, {});
}

}  // namespace tern
