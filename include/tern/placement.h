// Where an engine puts its threads and its large memory. Plain values.
#pragma once

namespace tern {

/// Whether each worker stays on a core of its own. The calling thread is pinned only while it
/// computes or loads, and not at all when it has been given other CPUs than the engine was created
/// with.
enum class PinMode {
  kAuto,  // when there is one worker per core of a machine with little else to do, and nobody else
          // arranged the CPUs
  kOn,    // one core after the other, then second hardware threads
  kOff,   // wherever the system puts them
};

/// Whether weights and KV cache lie on transparent huge pages, which save most of the work of
/// translating addresses.
enum class HugePages {
  kAuto,  // asked for; as many as the system gives
  kOn,    // an error where the system gives none
  kOff,   // refused, even where the system gives them unasked
};

/// On which memory nodes weights and KV cache lie, where there is more than one.
enum class NumaMode {
  kAuto,        // interleaved, unless workers are pinned: they read what they wrote at load
  kInterleave,  // pages in turn on all nodes; an error where the system refuses
  kOff,         // on the node of the worker that writes first, or as the process was told
};

}  // namespace tern
