#include "studies/search_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "scenarios/reader.hpp"
#include "scenarios/source.hpp"
#include "strategies/plugin.hpp"

namespace studies {
namespace {

constexpr std::size_t kMostBytes = std::size_t{2} << 30;

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

constexpr std::string_view kHeader = "{\"journal\":\"stepcast search\",";

// Whether a file is a journal, of whatever search, or the beginning of one, or empty.
bool is_journal(std::string_view text) {
  return text.starts_with(kHeader) || kHeader.starts_with(text);
}

std::string measured(const collectives::Calibration& calibration) {
  std::string out;
  for (const collectives::CalibratedPoint& p : calibration.points) {
    out += fmt::format("{} {} {} {} {}\n", static_cast<int>(p.kind), p.members, p.domains,
                       p.bytes.count(), p.time.count());
  }
  for (const collectives::CalibratedFit& f : calibration.fits) {
    out += fmt::format("{} {} {} {} {} {}:", static_cast<int>(f.kind), f.members, f.domains,
                       static_cast<int>(f.call), f.algorithm, f.compute_share.value_or(-1.0));
    for (const collectives::FitSegment& s : f.segments) {
      out += fmt::format(" {} {} {}", s.from.count(), s.latency.count(),
                         s.bandwidth.bytes_per_second());
    }
    out += "\n";
  }
  return out;
}

// Code that takes part in every prediction.
std::string plugged_in(const scenarios::Scenario& scenario) {
  constexpr std::size_t largest = std::size_t{256} << 20;
  std::string out;
  for (const auto& plugin : scenario.plugins) {
    out += fmt::format("{:016x}\n", fnv1a(scenarios::read_regular_file(plugin->path(), largest)));
  }
  return out;
}

std::string line_of(Candidate id, const Evaluation& e) {
  const std::string body =
      fmt::format(R"({{"core":{},"variant":{},"fits":{},"late":{},"step_ps":{},"memory":{})",
                  id.core, id.variant, e.fits, e.late, e.step_ps, e.memory_bytes);
  return fmt::format("{},\"crc32c\":\"{:08x}\"}}\n", body, crc32c(body));
}

std::optional<std::pair<Candidate, Evaluation>> parse_line(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    const Candidate id{json.at("core").get<std::uint32_t>(),
                       json.at("variant").get<std::uint32_t>()};
    const Evaluation e{json.at("fits").get<bool>(), json.at("step_ps").get<std::int64_t>(),
                       json.at("late").get<bool>(), json.at("memory").get<std::int64_t>()};
    if (line_of(id, e) != std::string(line) + "\n") return std::nullopt;
    return std::pair{id, e};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return crc ^ 0xFFFFFFFFU;
}

std::string identity(const SearchSpace& space) {
  const scenarios::Scenario& base = space.base();
  // What files the scenario names hold counts, not their names alone.
  const std::string text = scenarios::to_yaml(base) + space.description() +
                           fmt::format("{}\n{}\n", memory_limit(base), STEPCAST_VERSION) +
                           measured(base.calibration) + plugged_in(base);
  return fmt::format("{:016x}{:08x}", fnv1a(text), crc32c(text));
}

SearchJournal::SearchJournal(std::string path, const std::vector<std::string>& spaces, Start start)
    : path_(std::move(path)), known_(spaces.size()) {
  for (const std::string& space : spaces) {
    headers_.push_back(
        fmt::format("{{\"journal\":\"stepcast search\",\"schema\":2,\"space\":\"{}\"}}\n", space));
  }
  try {
    open(start);
  } catch (...) {
    if (descriptor_ >= 0) close(descriptor_);
    throw;
  }
}

SearchJournal::~SearchJournal() { close(descriptor_); }

void SearchJournal::fail(const char* doing) const {
  throw JournalError(JournalError::Kind::io,
                     fmt::format("cannot {} journal {}: {}", doing, path_, std::strerror(errno)));
}

void SearchJournal::open(Start start) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor_ < 0) fail("open");
  struct stat about {};
  if (fstat(descriptor_, &about) != 0) fail("look at");
  if (!S_ISREG(about.st_mode)) {
    throw JournalError(JournalError::Kind::io, fmt::format("journal {} is no file", path_));
  }
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    throw JournalError(JournalError::Kind::io,
                       fmt::format("journal {} is in use by another search", path_));
  }
  std::string text = content();
  if (start == Start::restart) {
    if (!is_journal(text)) {
      throw JournalError(
          JournalError::Kind::invalid,
          fmt::format("{} holds no journal of a search: it is not overwritten", path_));
    }
    if (ftruncate(descriptor_, 0) != 0) fail("empty");
    text.clear();
  }
  if (start == Start::fresh && !text.empty()) {
    throw JournalError(
        JournalError::Kind::io,
        fmt::format("journal {} exists: --resume goes on from it, --restart overwrites it", path_));
  }
  const std::size_t whole = load(text);
  if (whole < text.size() && ftruncate(descriptor_, static_cast<off_t>(whole)) != 0) fail("mend");
  if (whole == 0) write(headers_.front());
}

std::string SearchJournal::content() const {
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got =
        pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) {
      throw JournalError(JournalError::Kind::invalid,
                         fmt::format("journal {} is too large", path_));
    }
  }
}

std::size_t SearchJournal::load(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t line = 1; at < text.size(); ++line) {
    const std::size_t end = text.find('\n', at);
    const bool torn = end == std::string_view::npos;
    if (torn && (line > 1 || headers_.front().starts_with(text))) return at;
    const std::string_view content = text.substr(at, end - at);
    const auto header = std::find(headers_.begin(), headers_.end(), std::string(content) + "\n");
    if (line == 1 && header != headers_.begin()) {
      throw JournalError(JournalError::Kind::invalid,
                         fmt::format("journal {} is of another scenario, search space or version; "
                                     "--restart overwrites it",
                                     path_));
    }
    if (header != headers_.end()) {
      written_ = static_cast<std::size_t>(header - headers_.begin());
    } else if (const auto record = parse_line(content)) {
      known_[written_].insert_or_assign(record->first, record->second);
    } else if (end + 1 == text.size()) {
      return at;  // the last write was cut short
    } else {
      throw JournalError(JournalError::Kind::invalid,
                         fmt::format("journal {}:{}: damaged record", path_, line));
    }
    at = end + 1;
  }
  return at;
}

void SearchJournal::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(descriptor_, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write");
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  if (fsync(descriptor_) != 0) fail("flush");
}

std::optional<Evaluation> SearchJournal::known(Candidate id) const {
  const auto found = known_[space_].find(id);
  if (found == known_[space_].end()) return std::nullopt;
  return found->second;
}

void SearchJournal::keep(std::span<const Candidate> ids, std::span<const Evaluation> results) {
  std::string text = written_ == space_ ? "" : headers_[space_];
  written_ = space_;
  for (std::size_t i = 0; i < ids.size(); ++i) text += line_of(ids[i], results[i]);
  write(text);
}

}  // namespace studies
