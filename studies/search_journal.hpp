// The journal of a search: every evaluation, one JSON object a line, kept on disk while the search
// runs. A search that was killed goes on from it and ends with the same bytes, in its result and in
// the journal.
//
//   {"journal":"stepcast search","schema":2,"space":"…"}       identity of scenario and space
//   {"core":3,"variant":1,"fits":true,"step_ps":…,"memory":…,"crc32c":"…"}
//
// A search of several GPU counts has several spaces: what follows a space's line belongs to it.
// Each round is one write, flushed to disk. A torn last line is dropped; damage before it, another
// space, or a second writer is refused.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "studies/search.hpp"

namespace studies {

class JournalError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t { io, invalid };
  JournalError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class SearchJournal : public EvaluationStore {
 public:
  enum class Start : std::uint8_t {
    fresh,    // the file must not exist, or be empty
    resume,   // goes on from it, where it exists
    restart,  // what it holds is lost
  };
  // `spaces`: identities; the first is begun.
  SearchJournal(std::string path, const std::vector<std::string>& spaces, Start start);
  ~SearchJournal() override;
  SearchJournal(const SearchJournal&) = delete;
  SearchJournal& operator=(const SearchJournal&) = delete;

  std::optional<Evaluation> known(Candidate id) const override;
  void keep(std::span<const Candidate> ids, std::span<const Evaluation> results) override;
  // From here on candidates are of this space.
  void begin(std::size_t space) { space_ = space; }

 private:
  void open(Start start);
  std::string content() const;
  std::size_t load(std::string_view text);  // bytes that are whole
  void write(std::string_view text);
  [[noreturn]] void fail(const char* doing) const;

  std::string path_;
  std::vector<std::string> headers_;                    // of each space
  std::vector<std::map<Candidate, Evaluation>> known_;  // of each space
  std::size_t space_ = 0;
  std::size_t written_ = 0;  // space of the file's last line
  int descriptor_ = -1;
};

// CRC-32C (Castagnoli, RFC 3720 appendix B.4).
std::uint32_t crc32c(std::string_view bytes);
// Of everything a candidate's number and its evaluation depend on.
std::string identity(const SearchSpace& space);

}  // namespace studies
