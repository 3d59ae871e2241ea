#include "base/sha256.h"

#include <gtest/gtest.h>

namespace tern {
namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string digest_of(std::string_view text) {
  Sha256 hash;
  hash.update(bytes_of(text));
  return hash.hex_digest();
}

// The examples of FIPS 180-4.
TEST(Sha256, GivesTheStandardsExamples) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, OfSourcesIsThatOfTheirBytesJoined) {
  std::vector<uint8_t> all(1500000);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint8_t>(i * 131 >> 3);
  Sha256 whole;
  whole.update(all);
  const std::vector<std::shared_ptr<const ByteSource>> parts = {
      make_memory_source({all.begin(), all.begin() + 700001}, "one"),
      make_memory_source({}, "empty"),
      make_memory_source({all.begin() + 700001, all.end()}, "two")};
  const auto joined = sha256_of(parts);
  ASSERT_TRUE(joined);
  EXPECT_EQ(*joined, whole.hex_digest());
}

TEST(Sha256, StopsWhenInterrupted) {
  const std::atomic<bool> interrupt{true};
  const std::vector<std::shared_ptr<const ByteSource>> source = {
      make_memory_source(std::vector<uint8_t>(10), "ten")};
  const auto digest = sha256_of(source, &interrupt);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, ErrorCode::kInterrupted);
}

}  // namespace
}  // namespace tern
