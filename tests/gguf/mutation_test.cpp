// A valid file with one field made wrong: the error must name it.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "gguf/reader.h"
#include "tests/gguf/sample.h"

namespace tern::gguf {
namespace {

using test::GgufImage;
using test::put_le;

struct Mutation {
  const char* name;
  std::function<void(GgufImage&)> apply;
  ErrorCode code;
  const char* message;
};

void PrintTo(const Mutation& mutation, std::ostream* out) { *out << mutation.name; }

constexpr uint64_t kTwo63 = uint64_t{1} << 63;

template <typename T>
std::function<void(GgufImage&)> set(std::string field, T value, size_t plus = 0) {
  return [=](GgufImage& image) { put_le(image.bytes, image.at(field) + plus, value); };
}

std::function<void(GgufImage&)> text(std::string field, std::string value) {
  return [=](GgufImage& image) {
    std::copy(value.begin(), value.end(),
              image.bytes.begin() + static_cast<ptrdiff_t>(image.at(field + ".text")));
  };
}

std::function<void(GgufImage&)> dims(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return [=](GgufImage& image) {
    const size_t at = image.at("tensor.deep.dims");
    put_le(image.bytes, at, a);
    put_le(image.bytes, at + 8, b);
    put_le(image.bytes, at + 16, c);
    put_le(image.bytes, at + 24, d);
  };
}

const Mutation kMutations[] = {
    // Counts of the header.
    {"TensorCountTwo63", set("n_tensors", kTwo63), ErrorCode::kCorrupt, "the list of tensors"},
    {"TensorCountMax", set("n_tensors", UINT64_MAX), ErrorCode::kCorrupt, "18446744073709551615 x"},
    {"TensorCountMore", set("n_tensors", uint64_t{4}), ErrorCode::kCorrupt, "tensor 3"},
    {"KeyCountTwo63", set("n_kv", kTwo63), ErrorCode::kCorrupt, "the list of keys"},
    {"KeyCountMax", set("n_kv", UINT64_MAX), ErrorCode::kCorrupt, "the list of keys"},
    // The first tensor is then taken for a key, and what follows for nonsense.
    {"KeyCountMore", set("n_kv", uint64_t{19}), ErrorCode::kCorrupt, "the name of tensor 0"},

    // Keys.
    {"KeyLengthTwo63", set("kv.u8", kTwo63), ErrorCode::kCorrupt, "within key 2"},
    {"KeyLengthMax", set("kv.u8", UINT64_MAX), ErrorCode::kCorrupt, "within key 2"},
    {"KeyEmpty", set("kv.general.architecture", uint64_t{0}), ErrorCode::kCorrupt,
     "key 0 is empty"},
    {"KeyTwice", text("kv.i8", "u8"), ErrorCode::kCorrupt, "key 'u8' occurs twice"},
    {"KeyType13", set("kv.u8.type", 13u), ErrorCode::kCorrupt, "the type of key 'u8' is 13"},
    {"KeyTypeMax", set("kv.u8.type", UINT32_MAX), ErrorCode::kCorrupt, "'u8' is 4294967295"},

    // Values.
    {"Bool2", set("kv.yes.value", uint8_t{2}), ErrorCode::kCorrupt,
     "key 'yes': a bool is 0 or 1, not 2"},
    {"BoolInArray", set("kv.bools.value", uint8_t{255}, 13), ErrorCode::kCorrupt,
     "key 'bools': a bool is 0 or 1, not 255"},
    {"StringLengthTwo63", set("kv.general.architecture.value", kTwo63), ErrorCode::kCorrupt,
     "the value of key 'general.architecture'"},
    {"StringLengthMax", set("kv.empty.value", UINT64_MAX), ErrorCode::kCorrupt, "key 'empty'"},
    {"ArrayCountTwo60", set("kv.ints.value", uint64_t{1} << 60, 4), ErrorCode::kCorrupt,
     "array 'ints' needs 1152921504606846976 x 2 bytes"},
    {"ArrayCountOverflows", set("kv.ints.value", kTwo63, 4), ErrorCode::kCorrupt, "array 'ints'"},
    {"StringCountTwo61", set("kv.strings.value", uint64_t{1} << 61, 4), ErrorCode::kCorrupt,
     "array 'strings' needs"},
    {"StringCountMax", set("kv.strings.value", UINT64_MAX, 4), ErrorCode::kCorrupt,
     "array 'strings' needs"},
    {"StringInArrayTwo63", set("kv.strings.value", kTwo63, 12), ErrorCode::kCorrupt,
     "string 0 of key 'strings'"},
    {"ArrayOfArrays", set("kv.ints.value", 9u), ErrorCode::kUnsupported,
     "key 'ints' is an array of arrays"},
    {"ArrayType13", set("kv.ints.value", 13u), ErrorCode::kCorrupt,
     "the element type of array 'ints' is 13"},

    // Alignment.
    {"AlignmentZero", set("kv.general.alignment.value", 0u), ErrorCode::kCorrupt,
     "'general.alignment' is 0, expected a power of two"},
    {"Alignment48", set("kv.general.alignment.value", 48u), ErrorCode::kCorrupt, "is 48"},
    {"AlignmentMax", set("kv.general.alignment.value", UINT32_MAX), ErrorCode::kCorrupt,
     "'general.alignment' is 4294967295"},
    {"AlignmentTwo31", set("kv.general.alignment.value", uint32_t{1} << 31), ErrorCode::kCorrupt,
     "tensor 'token_embd.weight' begins 0 bytes into the data, which begin at byte 2147483648"},
    {"AlignmentSigned", set("kv.general.alignment.type", 5u), ErrorCode::kCorrupt,
     "'general.alignment' is i32, expected u32"},
    {"AlignmentFloat", set("kv.general.alignment.type", 6u), ErrorCode::kCorrupt,
     "'general.alignment' is f32, expected u32"},

    // Tensor directory.
    {"NameLengthTwo63", set("tensor.half", kTwo63), ErrorCode::kCorrupt, "the name of tensor 1"},
    {"NameTooLong", set("tensor.token_embd.weight", uint64_t{64}), ErrorCode::kUnsupported,
     "the name of tensor 0 is 64 bytes long"},
    {"NameEmpty", set("tensor.token_embd.weight", uint64_t{0}), ErrorCode::kCorrupt,
     "tensor 0 has no name"},
    {"NameTwice", text("tensor.deep", "half"), ErrorCode::kCorrupt, "tensor 'half' occurs twice"},
    {"Dims0", set("tensor.half.n_dims", 0u), ErrorCode::kCorrupt, "tensor 'half' has 0 dimensions"},
    {"Dims5", set("tensor.half.n_dims", 5u), ErrorCode::kCorrupt, "tensor 'half' has 5 dimensions"},
    {"DimsMax", set("tensor.half.n_dims", UINT32_MAX), ErrorCode::kCorrupt,
     "tensor 'half' has 4294967295 dimensions"},
    {"DimZero", dims(1, 0, 3, 2), ErrorCode::kCorrupt, "tensor 'deep': dimension 1 is 0"},
    {"DimNegative", dims(1, 3, UINT64_MAX, 2), ErrorCode::kCorrupt, "tensor 'deep': dimension 2"},
    {"ElementsOverflowUnsigned", dims(uint64_t{1} << 32, uint64_t{1} << 32, 1, 1),
     ErrorCode::kCorrupt, "tensor 'deep': the number of elements overflows at dimension 1"},
    {"ElementsOverflowSigned", dims(uint64_t{1} << 32, uint64_t{1} << 30, 1, 2),
     ErrorCode::kCorrupt, "tensor 'deep': the number of elements overflows at dimension 3"},
    {"ElementsOverflowToSmall", dims(uint64_t{1} << 62, 4, 1, 1), ErrorCode::kCorrupt,
     "tensor 'deep': the number of elements overflows"},
    {"BytesOverflow",
     [](GgufImage& image) {
       dims(uint64_t{1} << 62, 1, 1, 1)(image);
       put_le(image.bytes, image.at("tensor.deep.type"), test::kGgufF32);
     },
     ErrorCode::kCorrupt, "tensor 'deep': its size overflows"},
    {"UnknownType", set("tensor.half.type", 999u), ErrorCode::kUnsupported, "type id 999"},
    {"TypeNegative", set("tensor.half.type", UINT32_MAX), ErrorCode::kUnsupported, "4294967295"},

    // Offsets.
    {"OffsetUnaligned", set("tensor.half.offset", uint64_t{32}), ErrorCode::kCorrupt,
     "tensor 'half': the offset 32 is not a multiple of the alignment 64"},
    {"OffsetBeyondTheFile", set("tensor.deep.offset", uint64_t{192}), ErrorCode::kCorrupt,
     "tensor 'deep' begins 192 bytes into the data"},
    {"OffsetTwo63", set("tensor.deep.offset", kTwo63), ErrorCode::kCorrupt, "tensor 'deep' begins"},
    {"OffsetOverflows", set("tensor.deep.offset", UINT64_MAX - 63), ErrorCode::kCorrupt,
     "tensor 'deep' begins"},
    {"DataBeyondTheFile", dims(65, 1, 1, 1), ErrorCode::kCorrupt, "tensor 'deep' takes 65 bytes"},
    {"DataFarBeyondTheFile", dims(uint64_t{1} << 62, 1, 1, 1), ErrorCode::kCorrupt,
     "tensor 'deep' takes 4611686018427387904 bytes"},
    {"SameOffset", set("tensor.deep.offset", uint64_t{64}), ErrorCode::kCorrupt,
     "tensors 'half' and 'deep' overlap"},
    {"Overlap", set("tensor.half.dims", uint64_t{33}), ErrorCode::kCorrupt,
     "tensors 'half' and 'deep' overlap"},

    // Version.
    {"Version0", set("version", 0u), ErrorCode::kCorrupt, "version 0"},
    {"Version1", set("version", 1u), ErrorCode::kUnsupported, "version 1"},
    {"Version4", set("version", 4u), ErrorCode::kUnsupported, "version 4"},
    {"VersionBigEndian", set("version", 0x03000000u), ErrorCode::kUnsupported, "big-endian"},
    {"VersionBigEndian2", set("version", 0x02000000u), ErrorCode::kUnsupported, "big-endian"},
};

class GgufMutation : public ::testing::TestWithParam<Mutation> {};

TEST_P(GgufMutation, IsRefusedByName) {
  GgufImage image = sample_writer().build();
  ASSERT_TRUE(open_bytes(image.bytes));
  GetParam().apply(image);
  auto reader = open_bytes(image.bytes);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, GetParam().code) << reader.error().message;
  EXPECT_TRUE(reader.error().message.starts_with("test.gguf: ")) << reader.error().message;
  EXPECT_TRUE(contains(reader.error().message, GetParam().message)) << reader.error().message;
}

INSTANTIATE_TEST_SUITE_P(All, GgufMutation, ::testing::ValuesIn(kMutations),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace tern::gguf
