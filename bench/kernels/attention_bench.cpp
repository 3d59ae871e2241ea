// Attention over blocks of positions, as single tokens meet it (the queries of one token, keys and
// values from memory) and as prompts do (many tokens on one block).
#include <string>

#include "bench/kernels/entry_benches.h"
#include "bench/support/buffers.h"
#include "bench/support/counters.h"

namespace tern::bench {
namespace {

using kernels::AttentionBlock;
using kernels::kAttentionBlock;
using kernels::KernelTable;

// n_rep of bitnet-large, bitnet-2b4t and llama3-8b.
struct Shape {
  const char* name;
  size_t head_dim, n_rep;
};
constexpr Shape kShapes[] = {{"bitnet-large", 96, 1}, {"bitnet-2b4t", 128, 4}};

// Keys and values of n_blocks blocks and the queries of n_tokens tokens.
template <typename Element>
class Attention {
 public:
  Attention(const Shape& shape, size_t n_tokens, size_t n_blocks)
      : n_blocks_(n_blocks),
        block_elems_(kAttentionBlock * shape.head_dim),
        n_queries_(n_tokens * shape.n_rep),
        block_scales_(kAttentionBlock *
                      ((shape.head_dim + kernels::kKvBlock - 1) / kernels::kKvBlock)),
        keys_(n_blocks * block_elems_),
        values_(n_blocks * block_elems_),
        key_scales_(kScaled ? n_blocks * block_scales_ : 0),
        value_scales_(key_scales_.size()),
        q_(n_queries_ * shape.head_dim),
        out_(q_.size()),
        maxima_(n_queries_),
        sums_(n_queries_) {
    Random random;
    for (Element& x : keys_) fill(random, x);
    for (Element& x : values_) fill(random, x);
    for (float& x : q_) x = random.next_float();
    for (uint16_t& x : key_scales_) x = 0x3c00;  // bf16: 1 / 128
    for (uint16_t& x : value_scales_) x = 0x3c00;
    block_.head_dim = shape.head_dim;
    block_.n_positions = kAttentionBlock;
    block_.n_queries = n_queries_;
    block_.n_rep = shape.n_rep;
    block_.q = q_.data();
    block_.q_stride = shape.n_rep * shape.head_dim;
    block_.scale = 0.088f;
    block_.out = out_.data();
    block_.out_stride = block_.q_stride;
    block_.maxima = maxima_.data();
    block_.sums = sums_.data();
  }

  const AttentionBlock& next() {
    block_.keys = keys_.data() + at_ * block_elems_;
    block_.values = values_.data() + at_ * block_elems_;
    if (kScaled) {
      block_.key_scales = key_scales_.data() + at_ * block_scales_;
      block_.value_scales = value_scales_.data() + at_ * block_scales_;
    }
    at_ = at_ + 1 < n_blocks_ ? at_ + 1 : 0;
    return block_;
  }
  size_t bytes() const {
    return 2 * (block_elems_ * sizeof(Element) + (kScaled ? block_scales_ * sizeof(uint16_t) : 0));
  }
  size_t operations() const { return 4 * n_queries_ * block_elems_; }

 private:
  static constexpr bool kScaled = sizeof(Element) == 1;

  static void fill(Random& random, int8_t& x) {
    x = static_cast<int8_t>(random.next() % 255 - 127);
  }
  static void fill(Random& random, float& x) { x = random.next_float(); }
  static void fill(Random& random, uint16_t& x) {
    x = static_cast<uint16_t>(0x3000 + random.next() % 0x0c00);
  }

  size_t n_blocks_, block_elems_, n_queries_, block_scales_, at_ = 0;
  Buffer<Element> keys_, values_;
  Buffer<uint16_t> key_scales_, value_scales_;
  Buffer<float> q_, out_, maxima_, sums_;
  AttentionBlock block_ = {};
};

template <typename Element>
void add(EntryBenches& benches, kernels::AttentionFn KernelTable::*entry) {
  const auto run = [&benches, entry](const Shape& shape, const std::string& what, size_t n_tokens,
                                     size_t cache_bytes) {
    benches.add(shape.name + ("/" + what), [shape, n_tokens, cache_bytes, entry](
                                               benchmark::State& state, const KernelTable& table) {
      const size_t block_bytes = 2 * kAttentionBlock * shape.head_dim * sizeof(Element);
      const size_t n_blocks = cache_bytes / block_bytes;
      Attention<Element> attention(shape, n_tokens, n_blocks > 0 ? n_blocks : 1);
      for (auto _ : state) {
        (table.*entry)(attention.next());
        benchmark::ClobberMemory();
      }
      count_giga(state, "GB/s", static_cast<double>(attention.bytes()));
      count_giga(state, "GFLOP/s", static_cast<double>(attention.operations()));
    });
  };
  for (const Shape& shape : kShapes) {
    run(shape, "memory", 1, size_t{96} << 20);
    run(shape, "warm", 1, 0);
    run(shape, "warm/tokens:16", 16, 0);
  }
}

}  // namespace

void bench_attention_f32(EntryBenches& benches) {
  add<float>(benches, &KernelTable::attention_f32);
}

void bench_attention_f16(EntryBenches& benches) {
  add<uint16_t>(benches, &KernelTable::attention_f16);
}

void bench_attention_q8(EntryBenches& benches) { add<int8_t>(benches, &KernelTable::attention_q8); }

// A key or value of a head, on its way to the cache.
void bench_quantize_kv_q8(EntryBenches& benches) {
  for (const Shape& shape : kShapes) {
    benches.add("n:" + std::to_string(shape.head_dim),
                [n = shape.head_dim](benchmark::State& state, const KernelTable& table) {
                  Random random;
                  Buffer<float> x(n);
                  for (float& v : x) v = random.next_float();
                  Buffer<int8_t> q(n);
                  Buffer<uint16_t> scales(n);
                  for (auto _ : state) {
                    table.quantize_kv_q8(x.data(), n, q.data(), scales.data());
                    benchmark::ClobberMemory();
                  }
                  count_giga(state, "GB/s", static_cast<double>(n * 5 + n / 16));
                });
  }
}

}  // namespace tern::bench
