// Models that differ from a good one in one thing, and the check that each is refused. Shared by
// the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/model/run_model.h"

namespace tern::test {

struct Mutation {
  std::string name;
  const char* model;  // of tests/data/tiny
  std::function<void(TinyModel&)> edit;
  ErrorCode code;
  std::vector<std::string> message;  // parts of it
  std::string hint = "";             // part of it
};

inline void PrintTo(const Mutation& mutation, std::ostream* out) { *out << mutation.name; }

inline std::string mutation_name(const testing::TestParamInfo<Mutation>& row) {
  return row.param.name;
}

/// One layer, n_embd = n_ff = 128, 2 heads of 64.
inline constexpr const char* kLlama = "llama-rope-linear";

inline std::function<void(TinyModel&)> without(const char* key) {
  return [key](TinyModel& m) { m.remove_key(key); };
}

template <typename T>
std::function<void(TinyModel&)> with(const char* key, T value) {
  return [key, value](TinyModel& m) { m.set(key, value); };
}

/// Loading ends in the error of the row, which names the file; `inspect` says the same.
inline void expect_refused(const Mutation& mutation) {
  TinyModel model = TinyModel::named(mutation.model);
  mutation.edit(model);
  const TempDir folder;
  const std::string path = folder.file("bad.gguf");
  model.write(path);
  const auto loaded = Model::load(engine(), path);
  ASSERT_FALSE(loaded);
  const Error& error = loaded.error();
  EXPECT_EQ(error.code, mutation.code) << error.message;
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
  for (const std::string& part : mutation.message) {
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }
  EXPECT_NE(error.hint.find(mutation.hint), std::string::npos) << error.hint;
  for (const char c : error.message + error.hint) {
    ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << error.message;
  }

  // `inspect` shows the file and says the same, unless the container itself is not in order.
  const auto inspection = inspect_model(path);
  if (!inspection) {
    EXPECT_EQ(inspection.error().message, error.message);
  } else {
    const std::string& said =
        inspection->unsupported.empty() ? inspection->tokenizer_error : inspection->unsupported;
    for (const std::string& part : mutation.message) {
      EXPECT_NE(said.find(part), std::string::npos) << said;
    }
  }
}

}  // namespace tern::test
