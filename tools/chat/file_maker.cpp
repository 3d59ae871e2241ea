#include "chat/file_maker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "atomic_file.h"
#include "base/result.h"
#include "sandbox/sandbox.h"

namespace tern::tools {
namespace {

struct Question {
  uint64_t n_path_bytes, n_text_bytes;  // which follow
};
struct Answer {
  int32_t code;  // an ErrorCode; 0: done
  uint32_t n_message_bytes, n_hint_bytes;
};
constexpr uint32_t kMaxMessageBytes = 16384;

bool write_all(int fd, const void* data, size_t n_bytes) {
  const char* at = static_cast<const char*>(data);
  while (n_bytes > 0) {
    const ssize_t n = ::write(fd, at, n_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    n_bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool read_all(int fd, void* data, size_t n_bytes) {
  char* at = static_cast<char*>(data);
  while (n_bytes > 0) {
    const ssize_t n = ::read(fd, at, n_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    n_bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool answer_one(int from, int to) {
  Question question{};
  if (!read_all(from, &question, sizeof(question)) ||
      question.n_path_bytes > FileMaker::kMaxPathBytes ||
      question.n_text_bytes > FileMaker::kMaxTextBytes) {
    return false;
  }
  std::string path(question.n_path_bytes, '\0');
  std::string text(question.n_text_bytes, '\0');
  if (!read_all(from, path.data(), path.size()) || !read_all(from, text.data(), text.size())) {
    return false;
  }
  const Result<void> done = write_new_file(path, text);
  Error error;
  if (!done) error = done.error();
  error.message.resize(std::min<size_t>(error.message.size(), kMaxMessageBytes));
  error.hint.resize(std::min<size_t>(error.hint.size(), kMaxMessageBytes));
  const Answer answer{done ? 0 : static_cast<int32_t>(error.code),
                      static_cast<uint32_t>(error.message.size()),
                      static_cast<uint32_t>(error.hint.size())};
  return write_all(to, &answer, sizeof(answer)) &&
         write_all(to, error.message.data(), error.message.size()) &&
         write_all(to, error.hint.data(), error.hint.size());
}

[[noreturn]] void serve(int from, int to, pid_t parent) {
  // Ctrl-C is the conversation's; this process ends with it.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  // Whoever reads the conversation's output waits for its end, not for this one.
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) ::dup2(nothing, fd);
  sandbox::Policy policy;
  policy.paths.writable = {"/"};
  sandbox::confine(policy);
  try {
    while (answer_one(from, to)) {
    }
  } catch (const std::exception&) {
    // Not enough memory: the conversation is told that nobody answers.
  }
  ::_exit(0);
}

Error gone() {
  return with_hint(make_error(ErrorCode::kInternal, "the process that makes files is gone"),
                   "--no-sandbox writes them without it");
}

}  // namespace

Result<void> write_new_file(const std::string& path, std::string_view text) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    return with_hint(make_error(ErrorCode::kUsage, "{} is there already", path),
                     "choose another name or remove it");
  }
  return write_file_atomically(path, text);
}

Result<std::unique_ptr<FileMaker>> FileMaker::start() {
  std::array<int, 2> questions{-1, -1};
  std::array<int, 2> answers{-1, -1};
  const pid_t parent = ::getpid();
  pid_t pid = -1;
  if (::pipe2(questions.data(), O_CLOEXEC) == 0 && ::pipe2(answers.data(), O_CLOEXEC) == 0) {
    pid = ::fork();
  }
  if (pid == 0) {
    ::close(questions[1]);
    ::close(answers[0]);
    serve(questions[0], answers[1], parent);
  }
  const int reason = errno;
  for (const int fd : {questions[0], answers[1]}) {
    if (fd >= 0) ::close(fd);
  }
  if (pid > 0) return std::unique_ptr<FileMaker>(new FileMaker(pid, questions[1], answers[0]));
  for (const int fd : {questions[1], answers[0]}) {
    if (fd >= 0) ::close(fd);
  }
  return make_error(ErrorCode::kInternal, "starting a process failed: {}", std::strerror(reason));
}

FileMaker::~FileMaker() {
  ::close(to_);
  ::close(from_);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

Result<void> FileMaker::make(const std::string& path, std::string_view text) {
  if (path.size() > kMaxPathBytes || text.size() > kMaxTextBytes) {
    return make_error(ErrorCode::kUsage, "the name or the text of the file is too long");
  }
  const Question question{path.size(), text.size()};
  Answer answer{};
  if (!write_all(to_, &question, sizeof(question)) || !write_all(to_, path.data(), path.size()) ||
      !write_all(to_, text.data(), text.size()) || !read_all(from_, &answer, sizeof(answer)) ||
      answer.n_message_bytes > kMaxMessageBytes || answer.n_hint_bytes > kMaxMessageBytes) {
    return gone();
  }
  Error error;
  error.message.resize(answer.n_message_bytes);
  error.hint.resize(answer.n_hint_bytes);
  if (!read_all(from_, error.message.data(), error.message.size()) ||
      !read_all(from_, error.hint.data(), error.hint.size())) {
    return gone();
  }
  if (answer.code == 0) return {};
  error.code = static_cast<ErrorCode>(answer.code);
  return error;
}

}  // namespace tern::tools
