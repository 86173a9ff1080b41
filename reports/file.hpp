// Output files that are either complete or not there: written under no name (or a temporary one),
// flushed to disk, then renamed over the target. Never follows a link that the target may be.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace reports {

class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Compression : std::uint8_t { none, gzip };

class OutputFile {
 public:
  // Throws OutputError, as all others do.
  OutputFile(std::string path, Compression compression);
  ~OutputFile();  // without commit() nothing is left behind
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view text);
  void commit();

 private:
  struct Deflater;
  void write_all(std::string_view bytes);
  void deflate(std::string_view text, bool last);
  [[noreturn]] void fail(const char* doing) const;

  std::string path_;
  std::string temporary_;  // name in the folder; empty while the file has none
  int descriptor_ = -1;
  std::unique_ptr<Deflater> deflater_;
};

// gzip when the name ends in .gz.
Compression compression_of(std::string_view path);

void write_file(const std::string& path, std::string_view content);

}  // namespace reports
