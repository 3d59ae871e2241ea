#include "tokenizer/pre_tokenizer.h"

#include <algorithm>

#include "base/result.h"
#include "tokenizer/space_marker.h"
#include "tokenizer/utf8.h"

namespace tern {
namespace {

struct Piece {
  size_t begin;
  size_t end;
  bool is_match;
};

// Parts [0, size) by the matches, then joins pieces as the behaviour says.
std::vector<Piece> apply_behavior(const std::vector<ByteRange>& matches, size_t size,
                                  SplitBehavior behavior, bool invert) {
  std::vector<Piece> pieces;
  size_t pos = 0;
  for (const ByteRange& match : matches) {
    if (match.begin > pos) pieces.push_back({pos, match.begin, invert});
    pieces.push_back({match.begin, match.end, !invert});
    pos = match.end;
  }
  if (pos < size) pieces.push_back({pos, size, invert});

  std::vector<Piece> joined;
  switch (behavior) {
    case SplitBehavior::kIsolated:
      return pieces;
    case SplitBehavior::kRemoved:
      std::copy_if(pieces.begin(), pieces.end(), std::back_inserter(joined),
                   [](const Piece& p) { return !p.is_match; });
      return joined;
    case SplitBehavior::kContiguous:
      for (const Piece& piece : pieces) {
        if (!joined.empty() && joined.back().is_match == piece.is_match) {
          joined.back().end = piece.end;
        } else {
          joined.push_back(piece);
        }
      }
      return joined;
    case SplitBehavior::kMergedWithPrevious: {
      bool previous_match = false;
      for (const Piece& piece : pieces) {
        if (piece.is_match && !previous_match && !joined.empty()) {
          joined.back().end = piece.end;
        } else {
          joined.push_back(piece);
        }
        previous_match = piece.is_match;
      }
      return joined;
    }
    case SplitBehavior::kMergedWithNext: {
      bool next_match = false;
      for (auto it = pieces.rbegin(); it != pieces.rend(); ++it) {
        if (it->is_match && !next_match && !joined.empty()) {
          joined.back().begin = it->begin;
        } else {
          joined.push_back(*it);
        }
        next_match = it->is_match;
      }
      std::reverse(joined.begin(), joined.end());
      return joined;
    }
  }
  return pieces;
}

Result<void> find_matches(const SplitStage& stage, std::string_view word,
                          std::vector<ByteRange>& matches) {
  if (const auto* regex = std::get_if<std::shared_ptr<const RegexSplitter>>(&stage.pattern)) {
    return (*regex)->find_all(word, matches);
  }
  if (const auto* literal = std::get_if<std::string>(&stage.pattern)) {
    for (size_t pos = word.find(*literal); pos != std::string_view::npos;
         pos = word.find(*literal, pos + literal->size())) {
      matches.push_back({pos, pos + literal->size()});
    }
    return {};
  }
  const FindRule rule = std::get<FindRule>(stage.pattern);
  for (FoundPiece piece = find_piece(rule, word, 0); piece.begin < word.size();
       piece = find_piece(rule, word, piece.end)) {
    matches.push_back({piece.begin, piece.end});
  }
  return {};
}

// Calls fn(word) for each word in turn.
template <typename Fn>
void for_each_word(const Words& words, const Fn& fn) {
  size_t begin = 0;
  for (const uint32_t end : words.ends) {
    fn(words.text.substr(begin, end - begin), begin);
    begin = end;
  }
}

// Replaces the words by those whose texts are appended to `text`.
void set_text(Words& words, std::string text, std::vector<uint32_t> ends) {
  words.owned = std::move(text);
  words.text = words.owned;
  words.ends = std::move(ends);
}

class StageRunner {
 public:
  StageRunner(Words& words, bool at_text_start) : words_(words), at_text_start_(at_text_start) {}

  Result<void> operator()(const SplitStage& stage) {
    std::vector<uint32_t> ends;
    std::string kept;  // only where matches are removed
    std::vector<ByteRange> matches;
    size_t begin = 0;
    for (const uint32_t end : words_.ends) {
      const std::string_view word = words_.text.substr(begin, end - begin);
      matches.clear();
      TERN_RETURN_IF_ERROR(find_matches(stage, word, matches));
      for (const Piece& p : apply_behavior(matches, word.size(), stage.behavior, stage.invert)) {
        if (stage.behavior == SplitBehavior::kRemoved) {
          kept.append(word.substr(p.begin, p.end - p.begin));
          ends.push_back(static_cast<uint32_t>(kept.size()));
        } else {
          ends.push_back(static_cast<uint32_t>(begin + p.end));
        }
      }
      begin = end;
    }
    if (stage.behavior == SplitBehavior::kRemoved) {
      set_text(words_, std::move(kept), std::move(ends));
    } else {
      words_.ends = std::move(ends);
    }
    return {};
  }

  Result<void> operator()(const WordStage& stage) {
    std::vector<uint32_t> ends;
    ends.reserve(words_.text.size() / 4 + 1);
    for_each_word(words_, [&](std::string_view word, size_t begin) {
      for (size_t pos = 0; pos < word.size();) {
        pos = next_word_end(stage.rule, word, pos);
        ends.push_back(static_cast<uint32_t>(begin + pos));
      }
    });
    words_.ends = std::move(ends);
    return {};
  }

  Result<void> operator()(const PrefixSpaceStage&) {
    std::string text;
    std::vector<uint32_t> ends;
    for_each_word(words_, [&](std::string_view word, size_t) {
      if (!word.starts_with(' ')) text.push_back(' ');
      text.append(word);
      ends.push_back(static_cast<uint32_t>(text.size()));
    });
    set_text(words_, std::move(text), std::move(ends));
    return {};
  }

  Result<void> operator()(const MetaspaceStage& stage) {
    std::string text;
    std::vector<uint32_t> ends;
    for_each_word(words_, [&](std::string_view word, size_t begin) {
      const bool prepend =
          stage.prepend == MetaspaceStage::Prepend::kAlways ||
          (stage.prepend == MetaspaceStage::Prepend::kFirst && at_text_start_ && begin == 0);
      const size_t word_begin = text.size();
      if (prepend && !word.starts_with(' ') && !word.starts_with(kSpaceMarker)) {
        text.append(kSpaceMarker);
      }
      for (const char c : word) {
        if (c == ' ') {
          text.append(kSpaceMarker);
        } else {
          text.push_back(c);
        }
      }
      if (stage.split) {
        for (size_t at = text.find(kSpaceMarker, word_begin + 1); at != std::string::npos;
             at = text.find(kSpaceMarker, at + 1)) {
          ends.push_back(static_cast<uint32_t>(at));
        }
      }
      ends.push_back(static_cast<uint32_t>(text.size()));
    });
    set_text(words_, std::move(text), std::move(ends));
    return {};
  }

  Result<void> operator()(const MarkerStage&) {
    std::vector<uint32_t> ends;
    for_each_word(words_, [&](std::string_view word, size_t begin) {
      for (size_t at = find_word_begin(word, 1); at != std::string_view::npos;
           at = find_word_begin(word, at + 1)) {
        ends.push_back(static_cast<uint32_t>(begin + at));
      }
      ends.push_back(static_cast<uint32_t>(begin + word.size()));
    });
    words_.ends = std::move(ends);
    return {};
  }

 private:
  Words& words_;
  bool at_text_start_;
};

}  // namespace

Result<void> PreTokenizer::split(std::string_view text, bool at_text_start, Words& words) const {
  words.text = text;
  words.ends.clear();
  if (text.empty()) return {};
  words.ends.push_back(static_cast<uint32_t>(text.size()));
  StageRunner runner(words, at_text_start);
  for (const Stage& stage : stages_) {
    TERN_RETURN_IF_ERROR(std::visit(runner, stage));
    // Stages that insert characters: at most three bytes for one.
    if (words.text.size() > UINT32_MAX) {
      return make_error(ErrorCode::kUnsupported, "text of {} bytes is too long for the tokenizer",
                        text.size());
    }
  }
  return {};
}

}  // namespace tern
