#include "gguf/reader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/gguf/sample.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace tern::gguf {
namespace {

using test::GgufWriter;

std::vector<uint8_t> data_of(const Reader& reader, const TensorInfo& tensor) {
  std::vector<uint8_t> bytes(tensor.n_bytes);
  auto result = reader.read(tensor, 0, bytes);
  EXPECT_TRUE(result) << result.error().message;
  return bytes;
}

TEST(GgufReader, ReadsVersions2And3) {
  for (uint32_t version : {2u, 3u}) {
    auto reader = open_bytes(sample_writer().version(version).build().bytes);
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->version(), version);
    EXPECT_EQ(reader->metadata().entries().size(), 18u);
    EXPECT_EQ(reader->tensors().size(), 3u);
  }
}

TEST(GgufReader, KeepsEveryScalarTypeExactly) {
  auto reader = open_bytes(sample_writer().build().bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto expect = [&](std::string_view key, ValueType type, auto data) {
    const Value* value = reader->metadata().find(key);
    ASSERT_NE(value, nullptr) << key;
    EXPECT_EQ(value->type, type) << key;
    ASSERT_TRUE(std::holds_alternative<decltype(data)>(value->data)) << key;
    EXPECT_EQ(std::get<decltype(data)>(value->data), data) << key;
  };
  expect("u8", ValueType::kU8, uint64_t{255});
  expect("i8", ValueType::kI8, int64_t{-128});
  expect("u16", ValueType::kU16, uint64_t{65535});
  expect("i16", ValueType::kI16, int64_t{-32768});
  expect("u32", ValueType::kU32, uint64_t{4294967295});
  expect("i32", ValueType::kI32, int64_t{-2147483648});
  expect("u64", ValueType::kU64, UINT64_MAX);
  expect("i64", ValueType::kI64, INT64_MIN);
  expect("f32", ValueType::kF32, 0.5);
  expect("f64", ValueType::kF64, -1e300);
  expect("yes", ValueType::kBool, true);
  expect("no", ValueType::kBool, false);
  expect("empty", ValueType::kString, std::string());
  expect("general.architecture", ValueType::kString, std::string("bitnet"));
}

TEST(GgufReader, KeepsArrays) {
  auto reader = open_bytes(sample_writer().build().bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto array = [&](std::string_view key) {
    return std::get<Array>(reader->metadata().find(key)->data);
  };
  EXPECT_EQ(array("strings").element_type, ValueType::kString);
  EXPECT_EQ(array("strings").count, 3u);
  EXPECT_EQ(array("strings").strings, (std::vector<std::string>{"a", "", "ccc"}));
  EXPECT_EQ(array("ints").element_type, ValueType::kI16);
  EXPECT_EQ(array("ints").count, 3u);
  EXPECT_EQ(array("ints").bytes, (std::vector<uint8_t>{0xFF, 0xFF, 2, 0, 0xFD, 0xFF}));
  EXPECT_EQ(array("bools").element_type, ValueType::kBool);
  EXPECT_EQ(array("bools").bytes, (std::vector<uint8_t>{1, 0}));
}

TEST(GgufReader, KeepsTheOrderOfKeysAndTensors) {
  auto reader = open_bytes(sample_writer().build().bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->metadata().entries().front().first, "general.architecture");
  EXPECT_EQ(reader->metadata().entries().back().first, "bools");
  EXPECT_EQ(reader->tensors()[0].name, "token_embd.weight");
  EXPECT_EQ(reader->tensors()[2].name, "deep");
}

TEST(GgufReader, TurnsShapesRowMajorAndReadsTheData) {
  const auto image = sample_writer().build();
  auto reader = open_bytes(image.bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->alignment(), 64u);
  EXPECT_EQ(reader->file_bytes(), image.bytes.size());

  const TensorInfo* embd = reader->find_tensor("token_embd.weight");
  ASSERT_NE(embd, nullptr);
  EXPECT_EQ(embd->shape, (std::vector<uint64_t>{3, 2}));
  EXPECT_EQ(embd->n_elements(), 6u);
  EXPECT_EQ(embd->n_bytes, 24u);
  EXPECT_EQ(embd->type_id, test::kGgufF32);
  EXPECT_EQ(embd->offset, image.at("tensor.token_embd.weight.data"));
  EXPECT_EQ(embd->offset % 64, 0u);

  const TensorInfo* deep = reader->find_tensor("deep");
  ASSERT_NE(deep, nullptr);
  EXPECT_EQ(deep->shape, (std::vector<uint64_t>{2, 1, 3, 1}));
  EXPECT_EQ(data_of(*reader, *deep), (std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));

  std::vector<uint8_t> part(2);
  ASSERT_TRUE(reader->read(*deep, 3, part));
  EXPECT_EQ(part, (std::vector<uint8_t>{4, 5}));
  EXPECT_EQ(reader->find_tensor("Deep"), nullptr);
}

TEST(GgufReader, AlignsTo32WithoutTheKey) {
  GgufWriter w;
  w.tensor_f32("x", {1}, {42.0f});
  const auto image = w.build();
  auto reader = open_bytes(image.bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->alignment(), 32u);
  EXPECT_EQ(reader->tensors()[0].offset, image.data_begin);
  float value = 0;
  ASSERT_TRUE(reader->read(reader->tensors()[0], 0,
                           std::span(reinterpret_cast<uint8_t*>(&value), sizeof value)));
  EXPECT_EQ(value, 42.0f);
}

TEST(GgufReader, AcceptsAFileWithoutTensorsAndPadding) {
  GgufWriter w;
  w.kv("a", "b");
  auto image = w.build();
  image.bytes.resize(image.header_bytes);
  auto reader = open_bytes(image.bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE(reader->tensors().empty());
  auto nothing = open_bytes(GgufWriter().build().bytes);
  EXPECT_TRUE(nothing) << nothing.error().message;
}

TEST(GgufReader, AcceptsTrailingBytesAndSaysSo) {
  auto image = sample_writer().build();
  image.bytes.resize(image.bytes.size() + 1000);
  std::string logged;
  auto reader =
      open_bytes(image.bytes, {}, [&](LogLevel, std::string_view text) { logged += text; });
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE(contains(logged, "follow the last tensor")) << logged;
}

TEST(GgufReader, AcceptsGapsAndAnyOrderOfTensors) {
  GgufWriter w;
  w.tensor("last", {32}, test::kGgufI8, std::vector<uint8_t>(32, 1)).last_tensor_offset(96);
  w.tensor("first", {32}, test::kGgufI8, std::vector<uint8_t>(32, 2)).last_tensor_offset(0);
  auto image = w.build();
  image.bytes.resize(image.data_begin + 128);
  std::fill(image.bytes.begin() + static_cast<ptrdiff_t>(image.data_begin), image.bytes.end(), 9);
  image.bytes[image.data_begin] = 5;
  image.bytes[image.data_begin + 96] = 6;
  auto reader = open_bytes(image.bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(data_of(*reader, *reader->find_tensor("first"))[0], 5);
  EXPECT_EQ(data_of(*reader, *reader->find_tensor("last"))[0], 6);
}

TEST(GgufReader, TellsTheResolverTheRoomMetadataAndShape) {
  GgufWriter w;
  w.kv("general.architecture", "x");
  w.tensor("b", {2, 3}, 77, std::vector<uint8_t>(70));  // room for 96 with padding
  w.tensor("a", {1}, 78, std::vector<uint8_t>(10));     // room for 32
  std::vector<uint64_t> rooms;
  const TypeResolver resolver = [&](const TensorInfo& info, uint64_t available_bytes,
                                    const Metadata& metadata) -> Result<ResolvedType> {
    EXPECT_TRUE(metadata.has("general.architecture"));
    if (info.name == "b") {
      EXPECT_EQ(info.shape, (std::vector<uint64_t>{2, 3}));
      EXPECT_EQ(info.type_id, 77u);
    }
    rooms.push_back(available_bytes);
    return ResolvedType{5, available_bytes};
  };
  auto reader = Reader::open_sources({w.build().source()}, resolver);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(rooms, (std::vector<uint64_t>{96, 32}));
  EXPECT_EQ(reader->tensors()[0].type, 5);
  EXPECT_EQ(reader->tensors()[0].n_bytes, 96u);
}

TEST(GgufReader, PassesTheErrorOfTheResolverOnWithTheFile) {
  GgufWriter w;
  w.tensor("odd", {1}, 4711, std::vector<uint8_t>(4));
  auto reader = open_bytes(w.build().bytes);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(reader.error().message, "test.gguf: tensor 'odd' has the unknown type id 4711");
}

TEST(GgufReader, ReadsHeadersLargerThanItsBuffer) {
  // About 5 MiB, so strings and numbers lie across the ends of the 1 MiB chunks, and one string is
  // larger than a chunk.
  std::vector<std::string> tokens;
  for (int i = 0; i < 150000; ++i) tokens.push_back("token" + std::to_string(i * 7));
  std::vector<int32_t> numbers(300000);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int32_t>(i * 2654435761u);
  const std::string big(3000000, 'x');
  GgufWriter w;
  w.array("tokens", tokens).array("numbers", numbers).kv("big", big).kv("end", uint8_t{9});
  w.tensor_f32("x", {2}, {1, 2});
  auto reader = open_bytes(w.build().bytes);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(**reader->metadata().get_string_array("tokens"), tokens);
  EXPECT_EQ(*reader->metadata().get_int_array("numbers"),
            std::vector<int64_t>(numbers.begin(), numbers.end()));
  EXPECT_EQ(*reader->metadata().get_string("big"), big);
  EXPECT_EQ(*reader->metadata().get_uint("end"), 9u);
}

TEST(GgufReader, NeverReadsTheTensorDataWhileOpening) {
  // Counts what is read of a source with a large data section.
  class CountingSource final : public ByteSource {
   public:
    explicit CountingSource(std::shared_ptr<const ByteSource> inner) : inner_(std::move(inner)) {}
    const std::string& name() const override { return inner_->name(); }
    uint64_t size_bytes() const override { return inner_->size_bytes(); }
    Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
      n_read += out.size();
      return inner_->read_at(offset, out);
    }
    mutable uint64_t n_read = 0;

   private:
    std::shared_ptr<const ByteSource> inner_;
  };
  GgufWriter w;
  w.tensor("x", {8u << 20}, test::kGgufI8, std::vector<uint8_t>(8u << 20));
  auto source = std::make_shared<CountingSource>(w.build().source());
  auto reader = Reader::open_sources({source}, test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_LE(source->n_read, 2u << 20);
}

TEST(GgufReader, OpensFiles) {
  test::TempDir dir;
  const std::string path = dir.file("model.gguf");
  sample_writer().write(path);
  auto reader = Reader::open(path, test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(reader->path(), path);
  EXPECT_EQ(reader->n_shards(), 1u);
  EXPECT_EQ(reader->source(reader->tensors()[0]).name(), path);
}

TEST(GgufReader, ReadsAFileOfAnotherWriter) {
  const std::string path = TERN_SHARED_DIR "/data/model/stories260K/stories260K-f32.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  auto reader = Reader::open(path, test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  const Metadata& metadata = reader->metadata();
  EXPECT_EQ(*metadata.get_string("general.architecture"), "llama");
  const uint64_t n_vocab = *metadata.get_uint("llama.vocab_size");
  const uint64_t n_embd = *metadata.get_uint("llama.embedding_length");
  EXPECT_EQ((*metadata.get_string_array("tokenizer.ggml.tokens"))->size(), n_vocab);
  EXPECT_EQ(metadata.get_float_array("tokenizer.ggml.scores")->size(), n_vocab);
  const TensorInfo* embd = reader->find_tensor("token_embd.weight");
  ASSERT_NE(embd, nullptr);
  EXPECT_EQ(embd->shape, (std::vector<uint64_t>{n_vocab, n_embd}));
  // The tensors fill the file to its end.
  const TensorInfo& last = reader->tensors().back();
  EXPECT_LE(reader->file_bytes() - (last.offset + last.n_bytes), reader->alignment());
}

TEST(GgufReader, SaysWhenAFileIsMissingOrAFolder) {
  test::TempDir dir;
  auto missing = Reader::open(dir.file("no.gguf"), test::plain_resolver());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(contains(missing.error().message, "no.gguf"));
  auto folder = Reader::open(dir.path(), test::plain_resolver());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::kNotFound);
}

TEST(GgufReader, ReportsAFileThatShrinksAfterOpening) {
  test::TempDir dir;
  const std::string path = dir.file("model.gguf");
  const auto image = sample_writer().build();
  test::write_file(path, image.bytes);
  auto reader = Reader::open(path, test::plain_resolver());
  ASSERT_TRUE(reader) << reader.error().message;
  std::filesystem::resize_file(path, image.data_begin);
  std::vector<uint8_t> out(6);
  auto result = reader->read(*reader->find_tensor("deep"), 0, out);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(contains(result.error().message, "tensor 'deep'")) << result.error().message;
  EXPECT_TRUE(contains(result.error().message, path)) << result.error().message;
}

TEST(GgufReaderDeathTest, RefusesToReadBeyondATensor) {
  auto reader = open_bytes(sample_writer().build().bytes);
  ASSERT_TRUE(reader);
  std::vector<uint8_t> out(7);
  EXPECT_DEATH((void)reader->read(*reader->find_tensor("deep"), 0, out), "check failed");
  EXPECT_DEATH((void)reader->read(*reader->find_tensor("deep"), UINT64_MAX, out), "check failed");
}

}  // namespace
}  // namespace tern::gguf
