#include "scenarios/source.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>

namespace scenarios {
namespace {

[[noreturn]] void refuse_file(ErrorKind kind, const std::string& path, std::string message,
                              std::string hint) {
  throw ScenarioError(kind, {{path, 0, 0, "", std::move(message), std::move(hint), ""}});
}

class FileHandle {
 public:
  explicit FileHandle(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  ~FileHandle() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason(int error) { return std::generic_category().message(error); }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::uint32_t Sources::add(Source source) {
  list_.push_back(std::move(source));
  return static_cast<std::uint32_t>(list_.size() - 1);
}

bool Sources::by_user(Position at) const {
  const SourceKind kind = list_[at.source].kind;
  return kind == SourceKind::scenario || kind == SourceKind::command_line;
}

std::vector<std::string> Sources::files() const {
  std::vector<std::string> out;
  for (const Source& source : list_) {
    const bool read = source.kind == SourceKind::scenario || source.kind == SourceKind::catalogue;
    if (read) out.push_back(source.name);
  }
  return out;
}

std::string Sources::line_text(Position at) const {
  if (at.line <= 0 || at.source >= list_.size()) return {};
  std::string_view rest = list_[at.source].text;
  for (int line = 1; line < at.line; ++line) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return std::string(rest);
}

Diagnostic Diagnostics::make(Position at, std::string path, std::string message,
                             std::string hint) const {
  return {sources_[at.source].name,
          at.line,
          at.column,
          std::move(path),
          std::move(message),
          std::move(hint),
          sources_.line_text(at)};
}

void Diagnostics::error(Position at, std::string path, std::string message, std::string hint) {
  list_.push_back(make(at, std::move(path), std::move(message), std::move(hint)));
  if (list_.size() >= kMaxErrors) throw_if_any();
}

void Diagnostics::fatal(Position at, std::string message, std::string hint, ErrorKind kind) {
  list_.push_back(make(at, "", std::move(message), std::move(hint)));
  throw ScenarioError(kind, std::move(list_));
}

void Diagnostics::throw_if_any() {
  if (any()) throw ScenarioError(ErrorKind::invalid_input, std::move(list_));
}

std::string read_regular_file(const std::string& path, std::size_t limit) {
  const FileHandle file(path);
  if (file.get() < 0) {
    refuse_file(ErrorKind::io, path, fmt::format("cannot be opened: {}", reason(errno)),
                "check the path and its permissions");
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) {
    refuse_file(ErrorKind::io, path, fmt::format("cannot be examined: {}", reason(errno)), "");
  }
  if (!S_ISREG(info.st_mode)) {
    refuse_file(ErrorKind::invalid_input, path,
                S_ISDIR(info.st_mode) ? "is a folder, not a file" : "is not a regular file",
                "name a YAML file");
  }
  if (static_cast<std::uint64_t>(info.st_size) > limit) {
    refuse_file(ErrorKind::invalid_input, path,
                fmt::format("has {} bytes; the limit is {}", info.st_size, limit), "");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t part = ::read(file.get(), text.data() + got, text.size() - got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) refuse_file(ErrorKind::io, path, "cannot be read: " + reason(errno), "");
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  text.resize(got);
  return text;
}

std::string read_named_file(const std::string& path, Position at, Diagnostics& diagnostics) {
  try {
    return read_regular_file(path);
  } catch (const ScenarioError& error) {
    const Diagnostic& first = error.diagnostics().front();
    diagnostics.fatal(at, fmt::format("{} {}", path, first.message), first.hint, error.kind());
  }
}

std::string beside(const Sources& sources, Position at, const std::string& name) {
  if (sources[at.source].kind == SourceKind::command_line) return name;
  return (std::filesystem::path(sources[at.source].name).parent_path() / name).string();
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 64;
  if (word.size() > longest) return {};
  const std::size_t allowed = std::max<std::size_t>(word.size() <= 3 ? 1 : 2, word.size() / 3);
  std::string best;
  std::size_t best_distance = allowed + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace scenarios
