// Where the workers of a pool run: the decision behind EngineOptions::pin. A pure function; what
// the system says comes in.
#pragma once

#include <string>
#include <vector>

#include "tern/engine.h"
#include "tern/error.h"

namespace tern {

/// What the system lets this process use.
struct PinningFacts {
  std::vector<int> usable;    // hardware threads in the affinity mask, ascending
  std::vector<int> leaders;   // one of them for each physical core (core_leaders())
  int n_online = 1;           // hardware threads of the machine
  double quota_cores = 0.0;   // CPU time that the cgroup may use, in cores; 0: no limit
  double load_average = 0.0;  // of the last minute; 0: not known
};
PinningFacts gather_pinning_facts();

struct Pinning {
  std::vector<int> cpus;  // by worker; empty: the system decides
  std::string reason;     // "one worker per core", "fewer workers than cores", ...
};

/// kOn: one core after the other, second hardware threads of cores when there are more workers than
/// cores; kUsage when there are more workers than hardware threads.
///
/// kAuto: pins where the workers are as many as the machine's cores, nobody else has a say in where
/// they run, and the machine has little else to do. Then every core has a worker to run anyway: on
/// two cores with a load of 5, of which most was niced, Linux left both workers on one of them for
/// seconds, and a token took twice as long. With loads of 14 to 20 it was the other way round: two
/// workers that must both be running to finish a token wait for each other, and one that does the
/// work of both is better off (48 ms a token against 90). With fewer workers than cores the system
/// knows better which are free, and two programs that both chose the first ones would halve each
/// other; a process that is confined to a part of the machine is one of several that somebody
/// arranged.
Result<Pinning> decide_pinning(PinMode mode, int n_threads, const PinningFacts& facts);

}  // namespace tern
