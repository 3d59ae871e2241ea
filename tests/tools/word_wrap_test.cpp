// Answers broken between words at the right edge of a terminal, while they come.
#include "chat/word_wrap.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "text_width.h"

namespace tern::test {
namespace {

using tools::WordWrap;

/// What a terminal of so many columns shows: new lines, its own wrapping, cursor by column and
/// clearing to the end of the line, as xterm has them.
class Screen {
 public:
  explicit Screen(size_t n_columns) : n_columns_(n_columns) {}

  void write(const std::string& text) {
    for (size_t i = 0; i < text.size();) {
      if (text[i] == '\n') {
        lines_.emplace_back();
        column_ = 0;
        ++i;
      } else if (text[i] == '\x1b') {
        const size_t end = text.find_first_of("GK", i);
        ASSERT_NE(end, std::string::npos);
        if (text[end] == 'G') {
          column_ = static_cast<size_t>(std::stoi(text.substr(i + 2))) - 1;
        } else {
          lines_.back().resize(std::min(lines_.back().size(), column_));
        }
        i = end + 1;
      } else {
        size_t n = 1;
        while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xC0) == 0x80) ++n;
        put(text.substr(i, n));
        i += n;
      }
    }
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& cells : lines_) {
      std::string line;
      for (const std::string& cell : cells) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(std::move(line));
    }
    return lines;
  }

 private:
  void put(const std::string& character) {
    const size_t width = tools::display_width(character);
    if (width == 0) {
      lines_.back().back() += character;
      return;
    }
    if (column_ + width > n_columns_) {
      lines_.emplace_back();
      column_ = 0;
    }
    auto& cells = lines_.back();
    if (cells.size() < column_ + width) cells.resize(column_ + width);
    cells[column_] = character;
    column_ += width;
  }

  size_t n_columns_;
  std::vector<std::vector<std::string>> lines_ = {{}};  // cells; the second of a wide one is empty
  size_t column_ = 0;
};

std::vector<std::string> shown(const std::vector<std::string>& pieces, size_t n_columns) {
  WordWrap wrap;
  Screen screen(n_columns);
  for (const std::string& piece : pieces) screen.write(wrap.push(piece, n_columns));
  return screen.lines();
}

using Lines = std::vector<std::string>;

TEST(WordWrap, BreaksBetweenWords) {
  EXPECT_EQ(shown({"The quick brown fox jumps"}, 10), (Lines{"The quick", "brown fox", "jumps"}));
  EXPECT_EQ(shown({"exactly ten!"}, 12), (Lines{"exactly ten!"}));
  EXPECT_EQ(shown({"ten", " columns", " here"}, 11), (Lines{"ten columns", "here"}));
  EXPECT_EQ(shown({"a\n\nb c"}, 10), (Lines{"a", "", "b c"}));
  EXPECT_EQ(WordWrap().push("a b", 80), "a b");
}

TEST(WordWrap, TakesAWordBackThatTurnsOutNotToFit) {
  EXPECT_EQ(shown({"The quick br", "own f", "ox"}, 14), (Lines{"The quick", "brown fox"}));
  WordWrap wrap;
  EXPECT_EQ(wrap.push("The quick br", 14), "The quick br");
  EXPECT_EQ(wrap.push("own", 14), "\x1b[11G\x1b[K\nbrown");
  // The last column is filled and the terminal waits there.
  EXPECT_EQ(shown({"abc def", "g"}, 7), (Lines{"abc", "defg"}));
}

TEST(WordWrap, LeavesWordsLongerThanALineToTheTerminal) {
  EXPECT_EQ(shown({"see https://exam", "ple.org/a/long/path now"}, 12),
            (Lines{"see", "https://exam", "ple.org/a/lo", "ng/path now"}));
}

TEST(WordWrap, CountsWideAndCombiningCharacters) {
  EXPECT_EQ(shown({"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE3\x81\xA7\xE3\x81\x99"}, 5),
            (Lines{"\xE6\x97\xA5\xE6\x9C\xAC", "\xE8\xAA\x9E\xE3\x81\xA7", "\xE3\x81\x99"}));
  // An accent of its own takes no column.
  EXPECT_EQ(shown({"cafe\xCC\x81 ole\xCC\x81"}, 8), (Lines{"cafe\xCC\x81 ole\xCC\x81"}));
  EXPECT_EQ(shown({"cafe\xCC\x81 ole\xCC\x81"}, 7), (Lines{"cafe\xCC\x81", "ole\xCC\x81"}));
}

TEST(WordWrap, LeavesCodeAsItIs) {
  const std::string code = "int main() { return 0; }";
  const std::string text = "Here it is now:\n```cpp\n" + code + "\n```\nand so it goes on";
  WordWrap wrap;
  EXPECT_EQ(wrap.push(text, 12),
            "Here it is \nnow:\n```cpp\n" + code + "\n```\nand so it \ngoes on");
  // Backquotes within a line begin no code.
  EXPECT_EQ(shown({"so ```a``` is it"}, 11), (Lines{"so ```a```", "is it"}));
}

TEST(WordWrap, HeedsThatTheWindowChanges) {
  WordWrap wrap;
  EXPECT_EQ(wrap.push("one two three four", 80), "one two three four");
  EXPECT_EQ(wrap.push(" five", 20), " \nfive");
  EXPECT_EQ(wrap.push(" six seven", 0), " six seven");
}

TEST(WordWrap, IsTheSameHoweverTheTextIsCut) {
  std::mt19937 random(20261123);
  const char* const kParts[] = {"a",
                                "word",
                                " ",
                                " ",
                                "  ",
                                "\n",
                                "\xE6\x97\xA5",
                                "e\xCC\x81",
                                "longest-of-all-words-here",
                                "```",
                                ", ",
                                "x\n"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += kParts[random() % std::size(kParts)];
    const size_t n_columns = 5 + random() % 20;
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
      size_t end = std::min<size_t>(text.size(), at + 1 + random() % 6);
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      pieces.push_back(text.substr(at, end - at));
      at = end;
    }
    EXPECT_EQ(shown(pieces, n_columns), shown({text}, n_columns)) << text << "\n" << n_columns;
  }
}

}  // namespace
}  // namespace tern::test
