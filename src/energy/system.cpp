#include "energy/system.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/descriptor.h"
#include "energy/platform.h"

namespace tern::energy {
namespace {

constexpr size_t kMaxFolderEntries = 4096;

FileText failed_text(int error) {
  FileText result;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:  // the driver has gone, its file not yet
    case ENXIO:
      result.state = FileText::State::kMissing;
      result.error = "not found";
      break;
    case EACCES:
    case EPERM:
      result.state = FileText::State::kDenied;
      result.error = "permission denied";
      break;
    default:
      result.state = FileText::State::kFailed;
      result.error = std::generic_category().message(error);
  }
  return result;
}

class PerfDescriptor : public PerfCounter {
 public:
  explicit PerfDescriptor(int fd) : fd_(fd) {}
  bool read(uint64_t& value) override {
    return ::read(fd_.get(), &value, sizeof(value)) == static_cast<ssize_t>(sizeof(value));
  }

 private:
  Descriptor fd_;
};

class RepeaterThread : public Repeater {
 public:
  RepeaterThread(double seconds, std::function<void()> fn)
      : period_(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>(seconds))),
        fn_(std::move(fn)),
        thread_([this] { run(); }) {}
  ~RepeaterThread() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    auto next = std::chrono::steady_clock::now() + period_;
    while (!wake_.wait_until(lock, next, [this] { return stopping_; })) {
      lock.unlock();
      fn_();
      lock.lock();
      // Calls that were missed while the machine was busy are not made up for.
      next = std::max(next + period_, std::chrono::steady_clock::now());
    }
  }

  const std::chrono::steady_clock::duration period_;
  const std::function<void()> fn_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;     // last: it uses the members above
};

class RealSystem : public System {
 public:
  FileText read_file(const std::string& path) override {
    // Not blocking: in a tree that is not sysfs the file could be a pipe.
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return failed_text(errno);
    FileText result;
    result.text.resize(kMaxFileBytes + 1);
    size_t n = 0;
    while (n < result.text.size()) {
      const ssize_t got = ::read(fd.get(), result.text.data() + n, result.text.size() - n);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed_text(errno);
      if (got == 0) break;
      n += static_cast<size_t>(got);
    }
    if (n > kMaxFileBytes) {
      result = failed_text(EFBIG);
      return result;
    }
    result.text.resize(n);
    result.state = FileText::State::kOk;
    return result;
  }

  std::vector<std::string> list_folder(const std::string& path) override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entry(path, error);
    const std::filesystem::directory_iterator end;
    while (!error && entry != end && names.size() < kMaxFolderEntries) {
      names.push_back(entry->path().filename().string());
      entry.increment(error);
    }
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    });
    return names;
  }

  PerfOpening open_perf(uint32_t type, uint64_t config, int cpu) override {
    const int fd = open_perf_event(type, config, cpu);
    if (fd < 0) return {nullptr, errno};
    return {std::make_unique<PerfDescriptor>(fd), 0};
  }

  double now_seconds() override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  void sleep_seconds(double seconds) override {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }

  std::unique_ptr<Repeater> repeat_every(double seconds, std::function<void()> fn) override {
    try {
      return std::make_unique<RepeaterThread>(seconds, std::move(fn));
    } catch (const std::system_error&) {
      return nullptr;
    }
  }

  std::string program_path() override { return own_path(); }
  std::string why_unsupported() override { return why_platform_has_no_sources(); }
};

}  // namespace

std::shared_ptr<System> real_system() { return std::make_shared<RealSystem>(); }

}  // namespace tern::energy
