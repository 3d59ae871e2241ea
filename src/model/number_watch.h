// Remembers where a forward pass first met a number that is none (NaN, infinity), or one that the
// cache cannot hold. Workers note what they see; the caller looks when they have joined. Of what
// was noted the earliest token counts, then the earliest place: so the thread that comes first
// changes nothing. Owned by a pass.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace tern::model {

class NumberWatch {
 public:
  /// In the order of the computation, within a layer.
  enum class Place : uint8_t { kQuery, kKey, kValue, kGate, kInput };
  struct Note {
    size_t token = 0;  // of the batch
    Place place = Place::kInput;
  };

  /// Any worker.
  void note(size_t token, Place place) noexcept {
    const uint64_t noted = uint64_t{token} << kPlaceBits | static_cast<uint64_t>(place);
    uint64_t first = first_.load(std::memory_order_relaxed);
    while (noted < first &&
           !first_.compare_exchange_weak(first, noted, std::memory_order_relaxed)) {
    }
  }

  /// What was noted first; the join of the workers orders it.
  std::optional<Note> first() const noexcept {
    const uint64_t first = first_.load(std::memory_order_relaxed);
    if (first == kNothing) return std::nullopt;
    return Note{static_cast<size_t>(first >> kPlaceBits),
                static_cast<Place>(first & ((1u << kPlaceBits) - 1))};
  }

 private:
  static constexpr int kPlaceBits = 8;
  static constexpr uint64_t kNothing = UINT64_MAX;
  std::atomic<uint64_t> first_{kNothing};
};

}  // namespace tern::model
