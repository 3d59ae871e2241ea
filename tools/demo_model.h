// The demo model that a first run uses when no model is named.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tern::tools {

inline constexpr const char* kDemoModelFile = "demo-i2_s.gguf";

/// Path of the running program, resolved; empty when the system does not tell.
std::filesystem::path executable_path();

/// Looks for the demo model as installed (../share/tern/models beside the folder of the program)
/// and in a source tree (models/ in a folder above the program).
std::optional<std::string> find_demo_model(const std::filesystem::path& executable);

}  // namespace tern::tools
