#include "tests/fuzz/edited_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/support/tiny_model.h"

namespace tern::test {
namespace {

constexpr std::array kModels = {
    "bitnet-25",         "bitnet-b1.58",      "bitnet",          "llama-dense",    "llama",
    "llama-rope-linear", "llama-rope-llama3", "llama-rope-yarn", "qwen3-group128", "qwen3"};
constexpr int kMostLines = 24;
constexpr uint64_t kMostElements = 1 << 17;  // of a tensor that is added

std::string_view take(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return part;
}

std::string word(std::string_view& line) { return std::string(take(line, ' ')); }

template <typename T>
T number(std::string_view& line) {
  const std::string_view text = take(line, ' ');
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<uint64_t> shape(std::string_view& line) {
  std::vector<uint64_t> dims;
  while (!line.empty() && dims.size() < 6) dims.push_back(number<uint64_t>(line));
  return dims;
}

class Editing {
 public:
  Editing(TinyModel model, LoadOptions& options) : model_(std::move(model)), options_(options) {}

  void apply(std::string_view line) {
    const std::string verb = word(line);
    if (verb == "o") return set_option(line);
    const std::string name = word(line);
    if (verb == "=") return set_key(name, line);
    if (verb == "-" || verb == "2") {
      if (!model_.has_key(name)) return;
      verb == "-" ? model_.remove_key(name) : model_.repeat_key(name);
    } else if (verb == "v") {
      add_tensor(name, line);
    } else if (name == "*") {
      for (const std::string& each : model_.linears()) change(verb, each, line);
    } else {
      change(verb, name, line);
    }
  }

  std::vector<uint8_t> bytes() const { return model_.writer().build().bytes; }

 private:
  void set_option(std::string_view name) {
    if (name == "keep") options_.head = HeadFormat::kKeep;
    if (name == "auto") options_.head = HeadFormat::kAuto;
    if (name == "f16") options_.head = HeadFormat::kF16;
    if (name == "q8_0") options_.head = HeadFormat::kQ8_0;
    if (name == "q6_k") options_.head = HeadFormat::kQ6_K;
    if (name == "q4_0") options_.head = HeadFormat::kQ4_0;
    if (name == "token") options_.act = ActMode::kToken;
    if (name == "group") options_.act = ActMode::kGroup;
    if (name == "t2") options_.weights = WeightsLayout::kT2;
    if (name == "t5") options_.weights = WeightsLayout::kT5;
    if (name == "l2") options_.weights = WeightsLayout::kL2;
    if (name == "q8") options_.kv = KvType::kQ8;
    if (name == "f32") options_.kv = KvType::kF32;
    if (name == "arm") options_.i2s_arm_layout = true;
    if (name == "no-act") options_.ffn_activation = FfnActivation::kAuto;
  }

  void set_key(const std::string& key, std::string_view line) {
    const std::string type = word(line);
    if (type == "u") model_.set(key, number<uint32_t>(line));
    if (type == "i") model_.set(key, number<int32_t>(line));
    if (type == "f") model_.set(key, number<float>(line));
    if (type == "b") model_.set(key, line == "true");
    if (type == "s") model_.set(key, std::string(line));
  }

  void add_tensor(const std::string& name, std::string_view line) {
    const tensor::Format* format = tensor::find_format(word(line));
    const auto value = number<float>(line);
    const std::vector<uint64_t> dims = shape(line);
    uint64_t n = 1;
    for (const uint64_t dim : dims) n = dim > kMostElements ? kMostElements + 1 : n * dim;
    if (format == nullptr || format->quantize == nullptr || dims.empty()) return;
    if (n == 0 || n > kMostElements || n % format->block_elems != 0) return;
    model_.add_dense(name, dims, std::vector<float>(n, value), format->dtype);
    touched_.insert(name);
  }

  void change(const std::string& verb, const std::string& name, std::string_view line) {
    if (!model_.has_tensor(name)) return;
    if (verb == "r") {
      const tensor::Format* format = tensor::find_format(word(line));
      if (format != nullptr && !touched_.contains(name)) recode(name, *format);
      return;
    }
    touched_.insert(name);
    TinyTensor& tensor = model_.tensor(name);
    if (verb == "x") model_.remove_tensor(name);
    if (verb == "n") {
      touched_.insert(std::string(line));
      model_.rename_tensor(name, std::string(line));
    }
    if (verb == "t") tensor.type_id = number<uint32_t>(line);
    if (verb == "d") tensor.shape = shape(line);
    if (verb == "c") tensor.data.resize(std::min(tensor.data.size(), number<size_t>(line)));
    if (verb == "p") {
      const auto offset = number<size_t>(line);
      const auto byte = number<uint8_t>(line);
      if (offset >= tensor.data.size()) return;
      const size_t n = std::min(tensor.data.size() - offset, number<size_t>(line));
      std::fill_n(tensor.data.begin() + static_cast<std::ptrdiff_t>(offset), n, byte);
    }
  }

  void recode(const std::string& name, const tensor::Format& format) {
    TinyTensor& tensor = model_.tensor(name);
    const bool from_ternary = tensor::format_of(tensor.dtype).kind == tensor::FormatKind::kTernary;
    if (from_ternary && format.kind == tensor::FormatKind::kTernary) {
      auto packed = format.pack(model_.ternary(name));
      if (!packed) return;
      tensor.data = std::move(packed).value();
      tensor.dtype = format.dtype;
      tensor.type_id = format.gguf_id;
    } else if (format.quantize != nullptr && !tensor.shape.empty() &&
               tensor.shape.back() % format.block_elems == 0) {
      model_.store(name, model_.floats(name), format.dtype);
    }
  }

  TinyModel model_;
  LoadOptions& options_;
  std::set<std::string> touched_;  // their bytes may not be what their format says
};

}  // namespace

std::optional<std::vector<uint8_t>> edited_model(std::string_view input, uint64_t max_bytes,
                                                 LoadOptions& options) {
  if (!input.starts_with("edit ")) return std::nullopt;
  input.remove_prefix(5);
  const std::string_view name = take(input, '\n');
  const auto known = std::find(kModels.begin(), kModels.end(), name);
  if (known == kModels.end()) return std::nullopt;
  static std::map<std::string_view, TinyModel> originals;
  auto original = originals.find(*known);
  if (original == originals.end()) {
    original = originals.emplace(*known, TinyModel::named(*known)).first;
  }
  Editing editing(original->second, options);
  for (int n = 0; n < kMostLines && !input.empty(); ++n) editing.apply(take(input, '\n'));
  std::vector<uint8_t> bytes = editing.bytes();
  if (bytes.size() > max_bytes) bytes.resize(max_bytes);
  return bytes;
}

}  // namespace tern::test
