// The only file that knows libedit.
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <langinfo.h>
#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <deque>
#include <optional>
#include <utility>

#include "chat/line_editor.h"
#include "escape.h"
#include "signals.h"
#include "text_width.h"
#include "tokenizer/utf8.h"

namespace tern::tools {
namespace {

// Stands for text that is ready to be inserted; libedit uses it for nothing.
constexpr wchar_t kInsertKey = 0x1F;  // Ctrl-_
constexpr int kHistorySize = 1000;
// How long the rest of an escape sequence may take to arrive behind its first byte; a key that a
// person presses next takes longer.
constexpr int kEscapeMs = 50;
// A longer paste is not laid out on the screen: a mark stands for it until the line is sent.
constexpr size_t kMaxShownPaste = 2000;
constexpr std::string_view kPasteOn = "\x1b[?2004h";
constexpr std::string_view kPasteOff = "\x1b[?2004l";
constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";

// Signals reach nothing but globals; they are looked at between the bytes that are read.
std::atomic<bool> size_changed = false;
std::atomic<bool> stop_asked = false;

extern "C" void on_resize(int) { size_changed.store(true); }
extern "C" void on_stop(int) { stop_asked.store(true); }

struct sigaction install(int signal, void (*handler)(int)) {
  struct sigaction action {
  }, previous{};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, &previous);
  return previous;
}

std::wstring widen(std::string_view text) {
  std::wstring wide;
  for (size_t i = 0; i < text.size();) {
    const DecodedChar c = decode_utf8(text, i);
    wide += static_cast<wchar_t>(c.code_point);
    i += c.n_bytes;
  }
  return wide;
}

std::string narrow(std::wstring_view wide) {
  std::string text;
  for (const wchar_t c : wide) {
    const auto code_point = static_cast<uint32_t>(c);
    const bool is_scalar = code_point < 0xD800 || (code_point > 0xDFFF && code_point < 0x110000);
    append_utf8(is_scalar ? code_point : kReplacementCharacter, text);
  }
  return text;
}

class TerminalEditor final : public LineEditor {
 public:
  TerminalEditor(int output_fd, bool colour, Completer completer)
      : output_fd_(output_fd), colour_(colour), completer_(std::move(completer)) {}

  ~TerminalEditor() override {
    if (history_ != nullptr) ::history_wend(history_);
    if (edit_ != nullptr) ::el_end(edit_);
    if (output_ != nullptr) std::fclose(output_);
  }

  bool open() {
    // libedit writes characters by the rules of the locale; text is UTF-8 everywhere in tern.
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
    const int copy = ::fcntl(output_fd_, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return false;
    output_ = ::fdopen(copy, "w");
    if (output_ == nullptr) {
      ::close(copy);
      return false;
    }
    edit_ = ::el_init("tern", stdin, output_, output_);
    history_ = ::history_winit();
    if (edit_ == nullptr || history_ == nullptr) return false;
    HistEventW event;
    ::history_w(history_, &event, H_SETSIZE, kHistorySize);
    ::history_w(history_, &event, H_SETUNIQUE, 1);
    ::el_wset(edit_, EL_CLIENTDATA, this);
    ::el_wset(edit_, EL_HIST, ::history_w, history_);
    ::el_wset(edit_, EL_EDITOR, L"emacs");
    ::el_wset(edit_, EL_SIGNAL, 0);
    ::el_wset(edit_, EL_PROMPT_ESC, &give_prompt, L'\1');
    ::el_wset(edit_, EL_GETCFN, &read_key);
    ::el_wset(edit_, EL_ADDFN, L"tern-insert", L"Insert text that was pasted", &insert_pending);
    ::el_wset(edit_, EL_ADDFN, L"tern-complete", L"Complete a command", &complete_word);
    ::el_wset(edit_, EL_BIND, L"^_", L"tern-insert", nullptr);
    ::el_wset(edit_, EL_BIND, L"^I", L"tern-complete", nullptr);
    ::el_wset(edit_, EL_BIND, L"^R", L"em-inc-search-prev", nullptr);
    ::el_source(edit_, nullptr);
    return true;
  }

  TypedLine read(const std::string& prompt, const std::string& prefill) override {
    prompt_ = widen(prompt);
    if (colour_) prompt_ = L"\1\x1b[1;32m\1" + prompt_ + L"\1\x1b[0m\1";
    pastes_.clear();
    at_end_ = interrupted_ = false;
    // The first key that is read puts it there.
    if (!prefill.empty()) insert_later(prefill);
    size_changed.store(true);
    const struct sigaction winch = install(SIGWINCH, on_resize);
    const struct sigaction stop = install(SIGTSTP, on_stop);
    write_all(kPasteOn);
    int n = 0;
    const wchar_t* line = ::el_wgets(edit_, &n);
    std::optional<std::wstring> typed;
    if (line != nullptr && n > 0) typed.emplace(line, static_cast<size_t>(n));
    write_all(kPasteOff);
    ::sigaction(SIGTSTP, &stop, nullptr);
    ::sigaction(SIGWINCH, &winch, nullptr);
    if (interrupted_) {
      const LineInfoW* info = ::el_wline(edit_);
      std::string rest =
          info->buffer == nullptr
              ? std::string()
              : narrow({info->buffer, static_cast<size_t>(info->lastchar - info->buffer)});
      write_all("\n");
      return {TypedLine::Kind::kInterrupt, std::move(rest)};
    }
    if (!typed) {
      write_all("\n");
      return {TypedLine::Kind::kEnd, {}};
    }
    if (!typed->empty() && typed->back() == L'\n') typed->pop_back();
    return {TypedLine::Kind::kLine, with_pastes(narrow(*typed))};
  }

  void add_history(const std::string& text) override {
    HistEventW event;
    ::history_w(history_, &event, H_ENTER, widen(text).c_str());
  }

  bool can_prefill() const override { return true; }

 private:
  static TerminalEditor& self(EditLine* edit) {
    void* data = nullptr;
    ::el_wget(edit, EL_CLIENTDATA, &data);
    return *static_cast<TerminalEditor*>(data);
  }

  static wchar_t* give_prompt(EditLine* edit) { return self(edit).prompt_.data(); }

  static int read_key(EditLine* edit, wchar_t* key) { return self(edit).next_key(key); }

  static unsigned char insert_pending(EditLine* edit, int) {
    TerminalEditor& me = self(edit);
    const std::wstring text = std::exchange(me.to_insert_, {});
    if (text.empty()) return CC_ERROR;
    return ::el_winsertstr(edit, text.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  static unsigned char complete_word(EditLine* edit, int) { return self(edit).complete(); }

  void write_all(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::write(output_fd_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  void insert_later(const std::string& text) {
    to_insert_ += widen(text);
    keys_.push_back(kInsertKey);
  }

  /// Waits for a byte. False at the end, after an interrupt, or, with a limit, when none came.
  bool next_byte(char& byte, int limit_ms) {
    for (;;) {
      if (limit_ms < 0) heed_signals();
      if (interrupt_flag().load()) {
        interrupted_ = true;
        return false;
      }
      pollfd waiting{STDIN_FILENO, POLLIN, 0};
      // Signals are looked at several times a second: one that arrives between the look and the
      // wait must not be overslept.
      const int n = ::poll(&waiting, 1, limit_ms < 0 ? 250 : limit_ms);
      if (n < 0 && errno == EINTR) continue;
      if (n == 0 && limit_ms >= 0) return false;
      if (n == 0) continue;
      const ssize_t n_read = ::read(STDIN_FILENO, &byte, 1);
      if (n_read == 1) return true;
      if (n_read < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      at_end_ = true;
      return false;
    }
  }

  void heed_signals() {
    if (stop_asked.exchange(false)) {
      ::el_wset(edit_, EL_PREP_TERM, 0);
      write_all(kPasteOff);
      const struct sigaction ours = install(SIGTSTP, SIG_DFL);
      std::raise(SIGTSTP);
      // Here again after `fg`.
      ::sigaction(SIGTSTP, &ours, nullptr);
      ::el_wset(edit_, EL_PREP_TERM, 1);
      write_all(kPasteOn);
      ::el_resize(edit_);
      ::el_wset(edit_, EL_REFRESH);
    }
    if (size_changed.exchange(false)) {
      ::el_resize(edit_);
    }
  }

  /// 1 and a key; 0 or -1 end the line.
  int next_key(wchar_t* key) {
    for (;;) {
      if (!keys_.empty()) {
        *key = keys_.front();
        keys_.pop_front();
        return 1;
      }
      char byte = 0;
      if (!next_byte(byte, -1)) return at_end_ ? 0 : -1;
      if (byte == '\x1b') {
        read_escape();
        continue;
      }
      if (const auto c = read_character(byte)) {
        *key = *c;
        return 1;
      }
    }
  }

  std::optional<wchar_t> read_character(char first) {
    std::string bytes(1, first);
    size_t n = 0;
    while (classify_utf8_start(bytes, n) == Utf8Tail::kNeedsMore) {
      char byte = 0;
      if (!next_byte(byte, -1)) return std::nullopt;
      bytes += byte;
    }
    return static_cast<wchar_t>(decode_utf8(bytes, 0).code_point);
  }

  /// Behind an ESC: a paste, or a key of several bytes, which libedit knows.
  void read_escape() {
    std::string sequence = "\x1b";
    while (kPasteBegin.starts_with(sequence)) {
      if (sequence == kPasteBegin) {
        read_paste();
        return;
      }
      char byte = 0;
      if (!next_byte(byte, kEscapeMs)) break;
      sequence += byte;
    }
    for (const char c : sequence) keys_.push_back(static_cast<unsigned char>(c));
  }

  void read_paste() {
    std::string text;
    char byte = 0;
    while (!text.ends_with(kPasteEnd)) {
      if (!next_byte(byte, -1)) return;
      text += byte == '\r' ? '\n' : byte;
    }
    text.resize(text.size() - kPasteEnd.size());
    // Tabs and control characters would move the cursor; what is shown is what is sent.
    std::string clean;
    for (const char c : replace_invalid_utf8(text)) {
      if (c == '\t') {
        clean += "    ";
      } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') {
        if (c != 0x7F) clean += c;
      }
    }
    if (clean.size() > kMaxShownPaste) {
      pastes_.push_back({"[paste " + std::to_string(pastes_.size() + 1) + ": " +
                             std::to_string(clean.size()) + " bytes]",
                         std::move(clean)});
      clean = pastes_.back().mark;
    }
    if (!clean.empty()) insert_later(clean);
  }

  std::string with_pastes(std::string text) const {
    for (const Paste& paste : pastes_) {
      const size_t at = text.find(paste.mark);
      if (at != std::string::npos) text.replace(at, paste.mark.size(), paste.text);
    }
    return text;
  }

  unsigned char complete() {
    const LineInfoW* info = ::el_wline(edit_);
    const std::string before =
        narrow({info->buffer, static_cast<size_t>(info->cursor - info->buffer)});
    const Completion completion = completer_(before);
    const std::string word = before.substr(std::min(completion.begin, before.size()));
    if (completion.words.empty()) return CC_REFRESH_BEEP;
    std::string common = completion.words.front();
    for (const std::string& other : completion.words) {
      const auto differs =
          std::mismatch(common.begin(), common.end(), other.begin(), other.end()).first;
      common.erase(differs, common.end());
    }
    if (!common.starts_with(word)) return CC_REFRESH_BEEP;
    std::string rest = common.substr(word.size());
    if (completion.words.size() == 1 && !common.ends_with('/')) rest += ' ';
    if (!rest.empty()) {
      ::el_winsertstr(edit_, widen(rest).c_str());
      return CC_REFRESH;
    }
    std::string list = "\n";
    for (const std::string& one : completion.words) list += escape_controls(one) + "  ";
    write_all(list + "\n");
    return CC_REDISPLAY;
  }

  struct Paste {
    std::string mark, text;
  };

  int output_fd_;
  bool colour_;
  Completer completer_;
  std::FILE* output_ = nullptr;
  EditLine* edit_ = nullptr;
  HistoryW* history_ = nullptr;
  std::wstring prompt_;
  std::wstring to_insert_;     // for the next kInsertKey
  std::deque<wchar_t> keys_;   // read and not yet given to libedit
  std::vector<Paste> pastes_;  // of this line, long ones
  bool at_end_ = false;
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<LineEditor> make_terminal_editor(int output_fd, bool colour, Completer completer) {
  auto editor = std::make_unique<TerminalEditor>(output_fd, colour, std::move(completer));
  if (!editor->open()) return nullptr;
  return editor;
}

}  // namespace tern::tools
