#include "reports/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace reports {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: 15 bits of window, +16 asks for a gzip header
constexpr mode_t kMode = 0644;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

struct OutputFile::Deflater {
  z_stream stream{};
  std::array<unsigned char, 1U << 16U> out{};
};

OutputFile::OutputFile(std::string path, Compression compression) : path_(std::move(path)) {
  struct stat status {};
  if (stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw OutputError(fmt::format("cannot write {}: it exists and is no regular file", path_));
  }
  const std::string folder = folder_of(path_);
  descriptor_ = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
  if (descriptor_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // no nameless files here
    temporary_ = fmt::format("{}.tmp.{}", path_, getpid());
    descriptor_ =
        open(temporary_.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, kMode);
    if (descriptor_ < 0) temporary_.clear();
  }
  if (descriptor_ < 0) fail("create");
  if (compression == Compression::gzip) {
    deflater_ = std::make_unique<Deflater>();
    if (deflateInit2(&deflater_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
}

OutputFile::~OutputFile() {
  if (deflater_) deflateEnd(&deflater_->stream);
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view text) {
  if (deflater_) {
    deflate(text, false);
  } else {
    write_all(text);
  }
}

void OutputFile::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::deflate(std::string_view text, bool last) {
  z_stream& stream = deflater_->stream;
  auto& out = deflater_->out;
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  do {
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    write_all({reinterpret_cast<const char*>(out.data()), out.size() - stream.avail_out});
  } while (stream.avail_out == 0);
}

void OutputFile::commit() {
  if (deflater_) deflate({}, true);
  if (fsync(descriptor_) != 0) fail("write");
  if (temporary_.empty()) {  // give the nameless file a name, as rename() wants one
    const std::string source = fmt::format("/proc/self/fd/{}", descriptor_);
    const std::string name = fmt::format("{}.tmp.{}", path_, getpid());
    if (linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail("create");
    }
    temporary_ = name;
  }
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail("write");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename to");
  temporary_.clear();
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {  // best effort: the content itself is on disk
    fsync(folder);
    close(folder);
  }
}

void OutputFile::fail(const char* doing) const {
  throw OutputError(fmt::format("cannot {} {}: {}", doing, path_, std::strerror(errno)));
}

Compression compression_of(std::string_view path) {
  return path.ends_with(".gz") ? Compression::gzip : Compression::none;
}

void write_file(const std::string& path, std::string_view content) {
  OutputFile file(path, compression_of(path));
  file.write(content);
  file.commit();
}

}  // namespace reports
