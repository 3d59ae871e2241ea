#include "convert_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "escape.h"
#include "figures.h"

namespace tern::tools {
namespace {

/// "name: value" lines with the values in one column. Values may come from the file.
void add_line(std::string* text, std::string_view name, std::string_view value) {
  *text += fmt::format("{:<16} {}\n", fmt::format("{}:", name), escape_controls(value));
}

void add_lines(std::string* text, std::string_view name, const std::vector<std::string>& values) {
  for (const std::string& value : values) add_line(text, name, value);
}

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// "210 x BF16 online to I2_S, ..." in the order in which they first occur.
std::string kinds_of(const ConvertReceipt& receipt) {
  std::vector<std::pair<std::string, int>> kinds;
  for (const TensorReceipt& tensor : receipt.tensors) {
    const std::string kind =
        tensor.source_type == tensor.type ? tensor.type : tensor.source_type + " to " + tensor.type;
    const auto at = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const auto& row) { return row.first == kind; });
    if (at == kinds.end()) {
      kinds.emplace_back(kind, 1);
    } else {
      ++at->second;
    }
  }
  std::string text;
  for (const auto& [kind, count] : kinds) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", count, kind);
  }
  return text;
}

struct Totals {
  uint64_t n_minus = 0, n_zero = 0, n_plus = 0, n_weights = 0, ternary_bytes = 0;
};

Totals totals_of(const ConvertReceipt& receipt) {
  Totals totals;
  for (const TensorReceipt& tensor : receipt.tensors) {
    if (!tensor.ternary) continue;
    totals.n_minus += tensor.n_minus;
    totals.n_zero += tensor.n_zero;
    totals.n_plus += tensor.n_plus;
    totals.ternary_bytes += tensor.n_bytes;
  }
  totals.n_weights = totals.n_minus + totals.n_zero + totals.n_plus;
  return totals;
}

}  // namespace

std::string receipt_text(const ConvertReceipt& receipt) {
  const Totals totals = totals_of(receipt);
  std::string text;
  add_line(&text, "source",
           fmt::format("{} ({}, {})", receipt.source, receipt.source_kind,
                       byte_size(receipt.source_bytes)));
  add_line(&text, "family", fmt::format("{} ({})", receipt.family, receipt.family_reason));
  add_line(&text, "output",
           fmt::format("{} ({}), architecture {}", receipt.output, byte_size(receipt.output_bytes),
                       receipt.architecture));
  add_line(&text, "ternary format", fmt::format("{} ({})", receipt.target, receipt.target_reason));
  add_line(&text, "tensors", kinds_of(receipt));
  add_line(&text, "ternary weights",
           fmt::format("{}: -1 {:.1f} %, 0 {:.1f} %, +1 {:.1f} %; {:.4f} bits each",
                       totals.n_weights, 100.0 * share(totals.n_minus, totals.n_weights),
                       100.0 * share(totals.n_zero, totals.n_weights),
                       100.0 * share(totals.n_plus, totals.n_weights),
                       8.0 * share(totals.ternary_bytes, totals.n_weights)));
  if (!receipt.tokenizer.empty()) add_line(&text, "tokenizer", receipt.tokenizer);
  if (!receipt.chat_template.empty()) add_line(&text, "chat template", receipt.chat_template);
  for (const TensorReceipt& tensor : receipt.tensors) {
    if (tensor.relative_error > 0.0) {
      add_line(&text, "rounded",
               fmt::format("{}: relative error {:.3f}", tensor.name, tensor.relative_error));
    }
  }
  add_lines(&text, "repaired", receipt.repairs);
  add_lines(&text, "warning", receipt.warnings);
  add_line(&text, "time",
           fmt::format("{}, {}/s of the source", duration(receipt.seconds),
                       byte_size(static_cast<uint64_t>(static_cast<double>(receipt.source_bytes) /
                                                       std::max(receipt.seconds, 1e-9)))));
  return text;
}

Json receipt_json(const ConvertReceipt& receipt) {
  const Totals totals = totals_of(receipt);
  Json tensors = Json::array();
  for (const TensorReceipt& tensor : receipt.tensors) {
    Json row = {{"name", tensor.name},
                {"shape", tensor.shape},
                {"source_type", tensor.source_type},
                {"type", tensor.type},
                {"bytes", tensor.n_bytes}};
    if (tensor.ternary) {
      const uint64_t n = tensor.n_minus + tensor.n_zero + tensor.n_plus;
      row["scales"] = {
          {"per", tensor.scale_scope}, {"min", tensor.scale_min}, {"max", tensor.scale_max}};
      row["share"] = {{"minus", share(tensor.n_minus, n)},
                      {"zero", share(tensor.n_zero, n)},
                      {"plus", share(tensor.n_plus, n)}};
      row["relative_error"] = tensor.relative_error;
    }
    tensors.push_back(std::move(row));
  }
  return {{"schema_version", kSchemaVersion},
          {"source",
           {{"path", receipt.source},
            {"kind", receipt.source_kind},
            {"bytes", receipt.source_bytes},
            {"family", receipt.family},
            {"family_reason", receipt.family_reason}}},
          {"output",
           {{"path", receipt.output},
            {"bytes", receipt.output_bytes},
            {"architecture", receipt.architecture},
            {"ternary_format", receipt.target},
            {"ternary_format_reason", receipt.target_reason}}},
          {"totals",
           {{"tensors", receipt.tensors.size()},
            {"ternary_weights", totals.n_weights},
            {"minus", totals.n_minus},
            {"zero", totals.n_zero},
            {"plus", totals.n_plus},
            {"ternary_bytes", totals.ternary_bytes}}},
          {"tokenizer", receipt.tokenizer},
          {"chat_template", receipt.chat_template},
          {"repairs", receipt.repairs},
          {"warnings", receipt.warnings},
          {"seconds", receipt.seconds},
          {"tensors", std::move(tensors)}};
}

std::string report_text(const VerifyReport& report, bool with_tensors) {
  std::string text;
  if (with_tensors) {
    for (const VerifiedTensor& tensor : report.tensors) {
      text += escape_controls(fmt::format("{} {:<8} {}", tensor.sha256, tensor.type, tensor.name));
      const uint64_t n = tensor.n_minus + tensor.n_zero + tensor.n_plus;
      if (tensor.ternary) {
        text += fmt::format("  -1 {:.1f} %, 0 {:.1f} %, +1 {:.1f} %, scale {:g}",
                            100.0 * share(tensor.n_minus, n), 100.0 * share(tensor.n_zero, n),
                            100.0 * share(tensor.n_plus, n), tensor.scale_min);
        if (tensor.scale_max != tensor.scale_min) text += fmt::format(" to {:g}", tensor.scale_max);
      }
      text += '\n';
    }
  }
  add_line(&text, "file", fmt::format("{} ({})", report.path, byte_size(report.file_bytes)));
  add_line(&text, "sha256", report.sha256);
  if (report.mistakes.empty()) add_lines(&text, "shown", report.checks);
  add_lines(&text, "warning", report.warnings);
  add_lines(&text, "WRONG", report.mistakes);
  add_line(&text, "result",
           report.mistakes.empty()
               ? std::string(report.against.empty() ? "sound" : "sound, and equal to its source")
               : fmt::format("{} mistakes", report.mistakes.size()));
  return text;
}

Json report_json(const VerifyReport& report) {
  Json tensors = Json::array();
  for (const VerifiedTensor& tensor : report.tensors) {
    Json row = {{"name", tensor.name},
                {"type", tensor.type},
                {"shape", tensor.shape},
                {"sha256", tensor.sha256},
                {"equal_to_source", report.against.empty() ? Json() : Json(tensor.compared)}};
    if (tensor.ternary) {
      row["codes"] = {{"minus", tensor.n_minus}, {"zero", tensor.n_zero}, {"plus", tensor.n_plus}};
      row["scales"] = {{"min", tensor.scale_min}, {"max", tensor.scale_max}};
    }
    tensors.push_back(std::move(row));
  }
  return {{"schema_version", kSchemaVersion},
          {"path", report.path},
          {"against", report.against.empty() ? Json() : Json(report.against)},
          {"sound", report.mistakes.empty()},
          {"sha256", report.sha256},
          {"file_bytes", report.file_bytes},
          {"checks", report.checks},
          {"warnings", report.warnings},
          {"mistakes", report.mistakes},
          {"tensors", std::move(tensors)}};
}

}  // namespace tern::tools
