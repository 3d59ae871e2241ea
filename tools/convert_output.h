// What `tern convert` and `tern verify` say, for people and for programs. Pure functions.
#pragma once

#include <string>

#include "json_output.h"
#include "tern/convert.h"

namespace tern::tools {

std::string receipt_text(const ConvertReceipt& receipt);
Json receipt_json(const ConvertReceipt& receipt);

/// with_tensors: a line each.
std::string report_text(const VerifyReport& report, bool with_tensors);
Json report_json(const VerifyReport& report);

}  // namespace tern::tools
