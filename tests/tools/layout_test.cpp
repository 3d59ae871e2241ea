// Figures, widths and tables: what text output is laid out with.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "figures.h"
#include "table.h"
#include "text_width.h"

namespace tern::tools {
namespace {

using Kind = TableColumn::Kind;

TEST(Figures, HaveAsManyDigitsAsAsked) {
  EXPECT_EQ(figure(1234.5), "1234");
  EXPECT_EQ(figure(25.312), "25.31");
  EXPECT_EQ(figure(9.9996), "10.00");
  EXPECT_EQ(figure(0.025131), "0.02513");
  EXPECT_EQ(figure(0.00012345, 3), "0.000123");
  EXPECT_EQ(figure(0.000012345, 3), "1.23e-05");
  EXPECT_EQ(figure(1234567.0), "1234567");
  EXPECT_EQ(figure(12345678.0), "1.235e+07");
  EXPECT_EQ(figure(0.0), "0");
  EXPECT_EQ(figure(-3.14159, 3), "-3.14");
  EXPECT_EQ(figure(std::nan("")), "-");
}

TEST(Figures, TakeAUnitThatFits) {
  EXPECT_EQ(percent(0.916), "92 %");
  EXPECT_EQ(percent(0.0312), "3.1 %");
  EXPECT_EQ(percent(0.09951), "10 %");
  EXPECT_EQ(percent(1.031), "103 %");
  EXPECT_EQ(byte_size(512), "512 bytes");
  EXPECT_EQ(byte_size(153600), "154 kB");
  EXPECT_EQ(byte_size(1187801280), "1.19 GB");
  EXPECT_EQ(byte_size(18'000'000'000'000'000'000ull), "18.0 EB");
  EXPECT_EQ(large_count(2412820480), "2.41 billion");
  EXPECT_EQ(large_count(786432), "786432");
  EXPECT_EQ(duration(0.0000954), "95.4 us");
  EXPECT_EQ(duration(0.312), "312 ms");
  EXPECT_EQ(duration(93.2), "93.2 s");
}

TEST(TextWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("plain"), 5u);
  EXPECT_EQ(display_width("\xC3\xBC"), 1u);                  // u with two dots
  EXPECT_EQ(display_width("u\xCC\x88"), 1u);                 // the same from two characters
  EXPECT_EQ(display_width("\xE6\xBC\xA2\xE5\xAD\x97"), 4u);  // two wide characters
  EXPECT_EQ(display_width("\xFFx"), 2u);
  EXPECT_EQ(align_right("\xC3\xBC", 3), "  \xC3\xBC");
  EXPECT_EQ(align_left("\xE6\xBC\xA2", 3), "\xE6\xBC\xA2 ");
  EXPECT_EQ(align_center("ab", 5, '-'), "-ab--");
  EXPECT_EQ(align_left("longer", 3), "longer");
}

TEST(TextWidth, WrapsAtSpacesAndKeepsLongWordsWhole) {
  EXPECT_EQ(wrap("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrap("one two", 3, 0), "one\ntwo");
  EXPECT_EQ(wrap("a /very/long/path b", 6, 1), "a\n /very/long/path\n b");
  EXPECT_EQ(wrap("", 10, 2), "");
}

Table small_table() {
  return {{{"", "n", Kind::kKey},
           {"", "name", Kind::kKey, /*left=*/true},
           {"speed", "median"},
           {"speed", "max"},
           {"a wide heading", "x"},
           {"", "", Kind::kMark, /*left=*/true}},
          {{"1", "a", "2.5", "3", "7", ""}, {"10", "bc", "12.5", "13", "8", "[1]"}}};
}

TEST(Table, AlignsColumnsUnderGroupedHeadings) {
  EXPECT_EQ(to_text(small_table(), 80),
            "          -- speed --  a wide heading\n"
            " n  name  median  max               x\n"
            " 1  a        2.5    3               7\n"
            "10  bc      12.5   13               8 [1]\n");
}

TEST(Table, BreaksBetweenGroupsAndRepeatsKeysAndMarks) {
  EXPECT_EQ(to_text(small_table(), 30),
            "          -- speed --\n"
            " n  name  median  max\n"
            " 1  a        2.5    3\n"
            "10  bc      12.5   13 [1]\n"
            "\n"
            "          a wide heading\n"
            " n  name               x\n"
            " 1  a                  7\n"
            "10  bc                 8 [1]\n");
}

TEST(Table, MarkdownKeepsCellsApart) {
  Table table = small_table();
  table.rows = {{"1", "a|b\n*c*", "1", "2", "3", "[1]"}};
  EXPECT_EQ(to_markdown(table),
            "| n | name | speed median | speed max | a wide heading x |  |\n"
            "| --: | :-- | --: | --: | --: | :-- |\n"
            "| 1 | a\\|b\\\\n\\*c\\* | 1 | 2 | 3 | \\[1\\] |\n");
  EXPECT_EQ(markdown_text("see @someone <b>"), "see @<!-- -->someone \\<b\\>");
  EXPECT_EQ(markdown_code("a `b`"), "`` a `b` ``");
  EXPECT_EQ(markdown_code("plain_name"), "`plain_name`");
}

}  // namespace
}  // namespace tern::tools
