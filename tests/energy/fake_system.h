// A machine for energy tests: files, counters that run with its clock, rights and a perf PMU, all
// in memory. Nothing in here depends on time or on the user who runs the test.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "energy/system.h"

namespace tern::energy {

class FakeSystem : public System {
 public:
  // Setting up.
  void set(const std::string& path, const std::string& text) { files_[path] = text; }
  void set(const std::string& path, uint64_t value) { files_[path] = std::to_string(value) + "\n"; }
  void remove(const std::string& path) { files_.erase(path); }
  /// Everything below a folder goes away.
  void remove_tree(const std::string& folder) {
    std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(folder + "/"); });
  }
  void deny(const std::string& path) { denied_.insert(path); }
  void allow(const std::string& path) { denied_.erase(path); }
  /// Reading gives an error of the device.
  void break_file(const std::string& path) { broken_.insert(path); }
  /// The number in the file grows by so much a second. range > 0: after range comes 0.
  void run(const std::string& path, double per_second, uint64_t range = 0) {
    running_[path] = {per_second, range, 0.0};
  }
  void stop(const std::string& path) { running_.erase(path); }

  struct PerfEvent {
    uint64_t value = 0;
    double per_second = 0.0;
    int error = 0;         // errno of opening it
    bool failing = false;  // of reading it
    double rest = 0.0;
  };
  PerfEvent& perf(uint32_t type, uint64_t config, int cpu) {
    return perf_[std::tuple(type, config, cpu)];
  }

  bool gives_threads = true;
  std::string unsupported;
  std::string program = "/opt/tern/bin/tern";
  std::function<void()> on_sleep;

  /// Time passes, counters run, and what asked to be called again is called. Background work of the
  /// fake runs in the calling thread.
  void advance(double seconds) {
    const double end = now_ + seconds;
    while (now_ < end) {
      double next = end;
      for (const auto& [id, task] : tasks_) next = std::min(next, std::max(now_, task.due));
      move(next - now_);
      now_ = next;
      for (auto& [id, task] : tasks_) {
        if (task.due > now_) continue;
        task.due = now_ + task.period;
        task.fn();
      }
    }
  }
  /// The clock jumps: nothing was called meanwhile, as when the machine was too busy.
  void skip(double seconds) { now_ += seconds; }
  int n_sleeps() const { return n_sleeps_; }
  size_t n_tasks() const { return tasks_.size(); }

  // System.
  FileText read_file(const std::string& path) override {
    FileText result;
    const auto file = files_.find(path);
    if (file == files_.end()) {
      result.error = "not found";
    } else if (denied_.contains(path)) {
      result.state = FileText::State::kDenied;
      result.error = "permission denied";
    } else if (broken_.contains(path)) {
      result.state = FileText::State::kFailed;
      result.error = "Input/output error";
    } else {
      result.state = FileText::State::kOk;
      result.text = file->second;
    }
    return result;
  }

  std::vector<std::string> list_folder(const std::string& path) override {
    std::set<std::string> names;
    const std::string prefix = path + "/";
    for (const auto& [file, text] : files_) {
      if (file.starts_with(prefix)) {
        names.insert(file.substr(prefix.size(), file.find('/', prefix.size()) - prefix.size()));
      }
    }
    return {names.begin(), names.end()};
  }

  PerfOpening open_perf(uint32_t type, uint64_t config, int cpu) override {
    const auto event = perf_.find(std::tuple(type, config, cpu));
    if (event == perf_.end()) return {nullptr, 2};  // ENOENT
    if (event->second.error != 0) return {nullptr, event->second.error};
    return {std::make_unique<Opened>(event->second), 0};
  }

  double now_seconds() override { return now_; }
  void sleep_seconds(double seconds) override {
    ++n_sleeps_;
    advance(seconds);
    if (on_sleep) on_sleep();
  }

  std::unique_ptr<Repeater> repeat_every(double seconds, std::function<void()> fn) override {
    if (!gives_threads) return nullptr;
    const int id = next_id_++;
    tasks_[id] = {seconds, now_ + seconds, std::move(fn)};
    return std::make_unique<Task>(*this, id);
  }

  std::string program_path() override { return program; }
  std::string why_unsupported() override { return unsupported; }

 private:
  struct Running {
    double per_second = 0.0;
    uint64_t range = 0;
    double rest = 0.0;  // of a unit
  };
  struct Repeated {
    double period = 0.0;
    double due = 0.0;
    std::function<void()> fn;
  };
  class Task : public Repeater {
   public:
    Task(FakeSystem& system, int id) : system_(system), id_(id) {}
    ~Task() override { system_.tasks_.erase(id_); }

   private:
    FakeSystem& system_;
    int id_;
  };
  class Opened : public PerfCounter {
   public:
    explicit Opened(const PerfEvent& event) : event_(event) {}
    bool read(uint64_t& value) override {
      value = event_.value;
      return !event_.failing;
    }

   private:
    const PerfEvent& event_;
  };

  static uint64_t whole_units(double per_second, double seconds, double& rest) {
    const double units = per_second * seconds + rest;
    const auto whole = static_cast<uint64_t>(units);
    rest = units - static_cast<double>(whole);
    return whole;
  }

  void move(double seconds) {
    for (auto& [path, running] : running_) {
      const auto file = files_.find(path);
      if (file == files_.end()) continue;
      // What a test has put in the place of a number stays as it is.
      uint64_t value = 0;
      const char* const end = file->second.data() + file->second.size();
      if (std::from_chars(file->second.data(), end, value).ec != std::errc()) continue;
      value += whole_units(running.per_second, seconds, running.rest);
      if (running.range > 0 && value > running.range) value -= running.range;
      set(path, value);
    }
    for (auto& [key, event] : perf_) {
      event.value += whole_units(event.per_second, seconds, event.rest);
    }
  }

  std::map<std::string, std::string> files_;
  std::set<std::string> denied_;
  std::set<std::string> broken_;
  std::map<std::string, Running> running_;
  std::map<std::tuple<uint32_t, uint64_t, int>, PerfEvent> perf_;
  std::map<int, Repeated> tasks_;
  int next_id_ = 0;
  int n_sleeps_ = 0;
  double now_ = 1000.0;
};

}  // namespace tern::energy
