#include "threading/cpu_info.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

#include "base/system_file.h"
#include "kernels/cpu_features.h"
#include "kernels/dispatch.h"
#include "tern/cpu.h"
#include "threading/kernel_trial.h"

namespace tern {
namespace {

/// MIDR_EL1 implementer 0x41, by part number: Arm's technical reference manuals of each core.
struct ArmCore {
  const char* part;
  const char* name;
};
constexpr std::array kArmCores = {
    ArmCore{"0xd03", "Cortex-A53"},  ArmCore{"0xd04", "Cortex-A35"},
    ArmCore{"0xd05", "Cortex-A55"},  ArmCore{"0xd07", "Cortex-A57"},
    ArmCore{"0xd08", "Cortex-A72"},  ArmCore{"0xd09", "Cortex-A73"},
    ArmCore{"0xd0a", "Cortex-A75"},  ArmCore{"0xd0b", "Cortex-A76"},
    ArmCore{"0xd0c", "Neoverse-N1"}, ArmCore{"0xd0d", "Cortex-A77"},
    ArmCore{"0xd40", "Neoverse-V1"}, ArmCore{"0xd41", "Cortex-A78"},
    ArmCore{"0xd44", "Cortex-X1"},   ArmCore{"0xd46", "Cortex-A510"},
    ArmCore{"0xd47", "Cortex-A710"}, ArmCore{"0xd48", "Cortex-X2"},
    ArmCore{"0xd49", "Neoverse-N2"}, ArmCore{"0xd4a", "Neoverse-E1"},
    ArmCore{"0xd4d", "Cortex-A715"}, ArmCore{"0xd4e", "Cortex-X3"},
    ArmCore{"0xd4f", "Neoverse-V2"}, ArmCore{"0xd80", "Cortex-A520"},
    ArmCore{"0xd81", "Cortex-A720"}, ArmCore{"0xd82", "Cortex-X4"},
};

std::string core_name(const std::string& implementer, const std::string& part) {
  if (implementer == "0x41") {
    for (const ArmCore& core : kArmCores) {
      if (part == core.part) return core.name;
    }
  }
  return "ARM implementer " + implementer + " part " + part;
}

/// Kinds of cores in the order of /proc/cpuinfo, each once.
std::string arm_model(const std::string& cpuinfo) {
  std::vector<std::string> names;
  std::string implementer;
  std::ifstream file(cpuinfo);
  for (std::string line; std::getline(file, line);) {
    const size_t start = line.find(": ");
    if (start == std::string::npos) continue;
    const std::string value = line.substr(start + 2);
    if (line.starts_with("CPU implementer")) implementer = value;
    if (!line.starts_with("CPU part")) continue;
    std::string name = core_name(implementer, value);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : " + ") + name;
  return joined;
}

}  // namespace

std::string read_cpu_model(const std::string& procfs_root) {
  const std::string cpuinfo = procfs_root + "/cpuinfo";
  std::string name = field_of(cpuinfo, "model name");
  if (name.empty()) name = arm_model(cpuinfo);
  return name.empty() ? "unknown" : name;
}

CpuInfo cpu_info() {
  CpuInfo info;
  info.model_name = read_cpu_model("/proc");
  const uint32_t features = kernels::detect_features();
  for (const auto* f = kernels::feature_names(); f->name != nullptr; ++f) {
    if ((features & f->feature) != 0) info.features.emplace_back(f->name);
  }
  size_t count = 0;
  const kernels::Isa* isas = kernels::isas(&count);
  for (size_t i = 0; i < count; ++i) {
    IsaInfo isa;
    isa.name = isas[i].name;
    isa.dot_instruction = isas[i].dot_instruction;
    isa.supported = can_run(isas[i]);
    for (const auto* f = kernels::feature_names(); f->name != nullptr; ++f) {
      if ((isas[i].required_features & f->feature) == 0) continue;
      if (!isa.requires_features.empty()) isa.requires_features += ' ';
      isa.requires_features += f->name;
    }
    info.isas.push_back(std::move(isa));
  }
  return info;
}

}  // namespace tern
