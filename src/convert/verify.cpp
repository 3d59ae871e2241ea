#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <new>
#include <set>

#include "base/result.h"
#include "base/sha256.h"
#include "convert/compare.h"
#include "convert/examine.h"
#include "convert/marks.h"
#include "convert/open_source.h"
#include "model/marks.h"
#include "tern/convert.h"
#include "tern/cpu.h"
#include "threading/pieces.h"
#include "tokenizer/from_gguf.h"

namespace tern {
namespace convert {
namespace {

using tensor::Format;
using tensor::FormatKind;
using tensor::ScaleScope;

constexpr size_t kHashPiece = size_t{1} << 20;
// mean|W| of trained models is well below 1, up to 1.6 in BitNet-b1.58-2B-4T; its inverse, which
// some checkpoints store, is 10 to 100.
constexpr float kSuspiciousScale = 4.0f;
constexpr double kFewZeros = 0.02, kManyZeros = 0.98;

constexpr const char* kSamples[] = {"Hello, world!",
                                    "The quick brown fox jumps over 12345 lazy dogs.\n\n  Twice.",
                                    ("na\xC3\xAFve caf\xC3\xA9 \xE2\x82\xAC"
                                     "5 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xF0\x9F\x99\x82"),
                                    "def f(x):\n\treturn {'a': x[0] != 1}  # comment"};

class Verification {
 public:
  Verification(model::OpenModel open, std::vector<std::shared_ptr<const ByteSource>> files,
               const VerifyOptions& options, const WorkerPool& pool)
      : open_(std::move(open)), files_(std::move(files)), options_(options), pool_(pool) {}

  Result<VerifyReport> run() {
    const gguf::Reader& reader = open_.reader;
    report_.path = reader.path();
    report_.against = options_.against;
    report_.file_bytes = reader.file_bytes();
    report_.checks.push_back(
        fmt::format("structure: {} tensors and {} keys are what architecture {} asks for",
                    reader.tensors().size(), reader.metadata().entries().size(), open_.arch->name));
    TERN_RETURN_IF_ERROR(read_all_tensors());
    check_tokenizer();
    if (!options_.against.empty()) TERN_RETURN_IF_ERROR(compare());
    return std::move(report_);
  }

 private:
  bool interrupted() const {
    return options_.interrupt != nullptr && options_.interrupt->load(std::memory_order_relaxed);
  }
  Error interruption() const {
    return make_error(ErrorCode::kInterrupted, "the verification was interrupted");
  }

  std::string shown(const std::string& tensor, const std::string& what) const {
    return fmt::format("{}: {}", tensor, what);
  }

  // Hash of the file and, tensor by tensor, hash, codes, scales and finite values; one after the
  // other on whichever worker is free. What is found does not depend on which.
  Result<void> read_all_tensors() {
    const std::vector<gguf::TensorInfo>& tensors = open_.reader.tensors();
    report_.tensors.resize(tensors.size());
    for (const gguf::TensorInfo& info : tensors) total_bytes_ += 2 * info.n_bytes;
    std::vector<std::vector<std::string>> mistakes(tensors.size()), warnings(tensors.size());
    std::vector<Scratch> scratch(static_cast<size_t>(pool_.size()));
    std::atomic<size_t> next{0};
    FirstError first_error;
    pool_.run([&](int worker) {
      for (;;) {
        const size_t item = next.fetch_add(1);
        if (item > tensors.size() || interrupted()) return;
        try {
          const Result<void> done = item == 0
                                        ? hash_file()
                                        : look_at(item - 1, &scratch[static_cast<size_t>(worker)],
                                                  &mistakes[item - 1], &warnings[item - 1]);
          if (!done) {
            first_error.report(item, done.error());
            return;
          }
        } catch (const std::bad_alloc&) {
          first_error.report(item, make_error(ErrorCode::kOutOfMemory, "no memory to verify"));
          return;
        }
        if (worker == 0) tell("reading");
      }
    });
    if (interrupted()) return interruption();
    if (auto error = first_error.take()) return *std::move(error);
    for (size_t i = 0; i < tensors.size(); ++i) {
      append(&report_.mistakes, mistakes[i]);
      append(&report_.warnings, warnings[i]);
    }
    const auto n_ternary = std::count_if(report_.tensors.begin(), report_.tensors.end(),
                                         [](const VerifiedTensor& t) { return t.ternary; });
    report_.checks.push_back(fmt::format(
        "contents: every code of {} ternary tensors is -1, 0 or +1, every scale and every value of "
        "the other {} is finite",
        n_ternary, static_cast<int64_t>(tensors.size()) - n_ternary));
    return {};
  }

  static void append(std::vector<std::string>* to, const std::vector<std::string>& from) {
    to->insert(to->end(), from.begin(), from.end());
  }

  void tell(const char* stage) {
    if (options_.progress) {
      options_.progress(stage, std::min(done_bytes_.load(), total_bytes_), total_bytes_);
    }
  }

  Result<void> hash_file() {
    TERN_ASSIGN_OR_RETURN(report_.sha256, sha256_of(files_, options_.interrupt));
    for (const gguf::TensorInfo& info : open_.reader.tensors()) done_bytes_ += info.n_bytes;
    return {};
  }

  Result<void> look_at(size_t index, Scratch* scratch, std::vector<std::string>* mistakes,
                       std::vector<std::string>* warnings) {
    const gguf::TensorInfo& info = open_.reader.tensors()[index];
    const Format& format = tensor::format_of(static_cast<tensor::DType>(info.type));
    VerifiedTensor& row = report_.tensors[index];
    row.name = info.name;
    row.type = format.name;
    row.shape = info.shape;
    if (options_.hash_tensors) {
      TERN_RETURN_IF_ERROR(hash_tensor(info, scratch, &row));
    } else {
      done_bytes_ += info.n_bytes;
    }
    if (format.kind == FormatKind::kTernary) {
      row.ternary = true;
      return look_at_ternary(info, format, scratch, &row, mistakes, warnings);
    }
    return look_at_dense(info, format, scratch, mistakes);
  }

  Result<void> hash_tensor(const gguf::TensorInfo& info, Scratch* scratch, VerifiedTensor* row) {
    Sha256 hash;
    for (uint64_t at = 0; at < info.n_bytes && !interrupted(); at += kHashPiece) {
      scratch->bytes.resize(std::min<uint64_t>(kHashPiece, info.n_bytes - at));
      TERN_RETURN_IF_ERROR(open_.reader.read(info, at, scratch->bytes));
      hash.update(scratch->bytes);
      done_bytes_ += scratch->bytes.size();
    }
    row->sha256 = hash.hex_digest();
    return {};
  }

  // Corrupt contents are a mistake of the file, other errors end the verification.
  static Result<bool> noted(const Error& error, std::vector<std::string>* mistakes) {
    if (error.code != ErrorCode::kCorrupt) return error;
    mistakes->push_back(error.message);
    return true;
  }

  Result<void> look_at_ternary(const gguf::TensorInfo& info, const Format& format, Scratch* scratch,
                               VerifiedTensor* row, std::vector<std::string>* mistakes,
                               std::vector<std::string>* warnings) {
    const uint64_t k = info.shape.back(), n_rows = info.n_elements() / k;
    auto source =
        stored_ternary(files_[info.shard], info.offset, format, n_rows, k, 1.0f, info.name);
    if (!source) {
      TERN_RETURN_IF_ERROR(noted(source.error(), mistakes));
      return {};
    }
    SourceTensor tensor;
    tensor.ternary = std::move(*source);
    CodeCounts counts;
    float low = INFINITY, high = -INFINITY;
    const size_t step = rows_per_piece(k);
    for (uint64_t begin = 0; begin < n_rows && !interrupted(); begin += step) {
      const Result<void> read =
          read_matrix(tensor, begin, std::min(begin + step, n_rows), false, scratch);
      if (!read) {
        TERN_RETURN_IF_ERROR(noted(read.error(), mistakes));
        return {};
      }
      counts = counts + count_codes(scratch->matrix.codes);
      for (const float scale : scratch->matrix.scales) {
        low = std::min(low, scale);
        high = std::max(high, scale);
      }
    }
    row->n_minus = counts.n_minus;
    row->n_zero = counts.n_zero;
    row->n_plus = counts.n_plus;
    row->scale_min = low;
    row->scale_max = high;
    check_sanity(info.name, *row, warnings);
    return {};
  }

  void check_sanity(const std::string& name, const VerifiedTensor& row,
                    std::vector<std::string>* warnings) const {
    const double n = static_cast<double>(row.n_minus + row.n_zero + row.n_plus);
    const double zeros = static_cast<double>(row.n_zero) / n;
    if (row.scale_min < 0.0f) warnings->push_back(shown(name, "it has a negative scale"));
    if (row.scale_max == 0.0f) warnings->push_back(shown(name, "all its scales are zero"));
    if (row.scale_max > kSuspiciousScale) {
      warnings->push_back(shown(
          name, fmt::format("a scale of {:g} is suspicious: it may have been divided by where it "
                            "multiplies, or the reverse",
                            row.scale_max)));
    }
    if (zeros > kManyZeros || zeros < kFewZeros) {
      warnings->push_back(
          shown(name, fmt::format("{:.1f} % of its weights are zero", 100.0 * zeros)));
    }
    const double low = static_cast<double>(std::min(row.n_minus, row.n_plus));
    const double high = static_cast<double>(std::max(row.n_minus, row.n_plus));
    if (high > 2.0 * low && high > 0.1 * n) {
      warnings->push_back(
          shown(name, fmt::format("{} weights are -1 and {} are +1", row.n_minus, row.n_plus)));
    }
  }

  Result<void> look_at_dense(const gguf::TensorInfo& info, const Format& format, Scratch* scratch,
                             std::vector<std::string>* mistakes) {
    const uint64_t k = info.shape.back(), n_rows = info.n_elements() / k;
    const DenseSource dense{files_[info.shard], info.offset, &format, n_rows, k, {}};
    const size_t step = rows_per_piece(k);
    for (uint64_t begin = 0; begin < n_rows && !interrupted(); begin += step) {
      const uint64_t end = std::min(begin + step, n_rows);
      const Result<void> read = dense.check(begin, end, scratch);
      if (!read) {
        Error error = read.error();
        error.message += " (tensor " + info.name + ")";
        TERN_RETURN_IF_ERROR(noted(error, mistakes));
        return {};
      }
    }
    return {};
  }

  void check_tokenizer() {
    const gguf::Metadata& metadata = open_.reader.metadata();
    if (!metadata.has("tokenizer.ggml.model")) {
      report_.warnings.emplace_back("the file has no tokenizer");
      return;
    }
    const auto tokenizer = tokenizer_from_gguf(metadata, options_.log);
    if (!tokenizer) {
      report_.mistakes.push_back("tokenizer: " + tokenizer.error().message);
      return;
    }
    for (const char* sample : kSamples) {
      const auto ids = (*tokenizer)->encode(sample, {.add_special = false, .parse_special = false});
      if (!ids) {
        report_.mistakes.push_back("tokenizer: " + ids.error().message);
        return;
      }
      if ((*tokenizer)->decode(*ids) != sample) {
        report_.mistakes.push_back(
            fmt::format("tokenizer: a text of {} bytes does not come back from its tokens",
                        std::string_view(sample).size()));
      }
    }
    report_.checks.push_back(fmt::format("tokenizer: {} of {} tokens, texts come back from it",
                                         (*tokenizer)->kind(), (*tokenizer)->n_vocab()));
  }

  Result<void> compare() {
    SourceOptions source_options;
    source_options.family = options_.family;
    source_options.i2s_arm_layout = options_.i2s_arm_layout;
    source_options.tensors_only = true;
    TERN_ASSIGN_OR_RETURN(SourceModel source, open_source(options_.against, source_options));
    const gguf::Metadata& metadata = open_.reader.metadata();
    ExamineOptions examine_options;
    examine_options.ternarize = metadata.has(model::kTernarizedKey);
    examine_options.round_scales = metadata.has(kRoundedScalesKey);
    examine_options.embedding_too = is_ternary("token_embd.weight");
    examine_options.head_too = is_ternary("output.weight");
    examine_options.interrupt = options_.interrupt;
    TERN_RETURN_IF_ERROR(examine(&source, pool_, examine_options));
    if (source.architecture != open_.arch->name) {
      report_.mistakes.push_back(fmt::format("architecture {}, and {} in the source",
                                             open_.arch->name, source.architecture));
    }
    EncodeOptions encode_options;
    encode_options.round_scales = examine_options.round_scales;
    encode_options.interrupt = options_.interrupt;
    done_bytes_ = 0;
    total_bytes_ = open_.reader.file_bytes();
    std::set<std::string_view> names;
    for (const SourceTensor& tensor : source.tensors) {
      names.insert(tensor.name);
      TERN_RETURN_IF_ERROR(compare_tensor(tensor, encode_options));
      if (interrupted()) return interruption();
      tell("comparing");
    }
    for (VerifiedTensor& row : report_.tensors) {
      if (names.count(row.name) == 0) {
        report_.mistakes.push_back(shown(row.name, "the source has no such tensor"));
      }
    }
    report_.checks.push_back(fmt::format(
        "source: codes and scales of {} ternary tensors are equal bit by bit, {} others are what "
        "its values give",
        report_.n_ternary_compared, report_.n_dense_compared));
    return {};
  }

  bool is_ternary(std::string_view name) const {
    const gguf::TensorInfo* info = open_.reader.find_tensor(name);
    return info != nullptr &&
           tensor::format_of(static_cast<tensor::DType>(info->type)).kind == FormatKind::kTernary;
  }

  Result<void> compare_tensor(const SourceTensor& tensor, const EncodeOptions& encode_options) {
    const gguf::Reader& reader = open_.reader;
    const gguf::TensorInfo* info = reader.find_tensor(tensor.name);
    if (info == nullptr) {
      report_.mistakes.push_back(
          shown(tensor.name, "is missing; the source has it as " + tensor.source_name));
      return {};
    }
    done_bytes_ += info->n_bytes;
    TERN_ASSIGN_OR_RETURN(
        const std::optional<std::string> found,
        difference(tensor, reader, *info, files_[info->shard], pool_, encode_options));
    if (found) {
      report_.mistakes.push_back(shown(tensor.name, *found));
      return {};
    }
    const auto index = static_cast<size_t>(info - reader.tensors().data());
    report_.tensors[index].compared = true;
    ++(report_.tensors[index].ternary ? report_.n_ternary_compared : report_.n_dense_compared);
    return {};
  }

  model::OpenModel open_;
  std::vector<std::shared_ptr<const ByteSource>> files_;
  const VerifyOptions& options_;
  const WorkerPool& pool_;
  VerifyReport report_;
  std::atomic<uint64_t> done_bytes_{0};
  uint64_t total_bytes_ = 0;
};

Result<VerifyReport> verify_all(const std::string& path, const VerifyOptions& options) {
  TERN_ASSIGN_OR_RETURN(auto files, gguf::open_shards(path));
  TERN_ASSIGN_OR_RETURN(model::OpenModel open,
                        open_gguf_model(files, options.i2s_arm_layout, options.log));
  const int n_threads =
      options.n_threads > 0 ? options.n_threads : cpu_topology().n_default_threads;
  TERN_ASSIGN_OR_RETURN(const std::unique_ptr<WorkerPool> pool, WorkerPool::create(n_threads));
  return Verification(std::move(open), std::move(files), options, *pool).run();
}

}  // namespace
}  // namespace convert

Result<VerifyReport> verify_model(const std::string& path, const VerifyOptions& options) {
  try {
    return convert::verify_all(path, options);
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::kOutOfMemory, "{}: no memory to verify it", path);
  }
}

}  // namespace tern
