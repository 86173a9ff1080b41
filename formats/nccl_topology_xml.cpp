// Reads the XML: <system> of <cpu>s of nested <pci> bridges with <gpu>s and <nic>s at their ends.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "formats/nccl_topology.hpp"
#include "scenarios/source.hpp"

namespace formats {
namespace {

// NCCL itself stops at 256 elements a server (NCCL_TOPO_XML_MAX_NODES); a dump of a rack joins
// them.
constexpr std::size_t kMostElements = 100'000;
constexpr std::size_t kMostGpus = 1024;  // as cluster.gpus_per_node
constexpr int kDeepest = 64;             // PCIe has at most a few bridges in a row
constexpr std::string_view kHint = "NCCL_TOPO_DUMP_FILE=system.xml makes NCCL write one";

class Reader {
 public:
  Reader(const std::string& text, const std::string& file) : text_(text), diagnostics_(sources_) {
    sources_.add({file, text, "", scenarios::SourceKind::scenario});
  }

  Topology read() {
    pugi::xml_document document;
    // No entities, processing instructions or document types: what a dump does not have.
    const pugi::xml_parse_result parsed =
        document.load_buffer(text_.data(), text_.size(), pugi::parse_minimal, pugi::encoding_utf8);
    if (!parsed) {
      diagnostics_.fatal(
          position(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, parsed.offset))),
          fmt::format("this is no XML: {}", parsed.description()), std::string(kHint));
    }
    const pugi::xml_node root = document.document_element();
    if (std::string_view(root.name()) != "system") {
      diagnostics_.fatal(
          at(root),
          fmt::format("a topology of NCCL begins with <system>, not with <{}>", root.name()),
          std::string(kHint));
    }
    for (const pugi::xml_node cpu : root.children("cpu")) {
      host_ = host_of(cpu);
      walk(cpu, {}, 1);
    }
    out_.hosts = std::max<std::size_t>(1, hashes_.size());
    if (out_.gpus.empty()) {
      diagnostics_.fatal(at(root), "there is no <gpu> in it", std::string(kHint));
    }
    diagnostics_.throw_if_any();
    return std::move(out_);
  }

 private:
  void walk(const pugi::xml_node parent, const pugi::xml_node pci, int depth) {
    if (depth > kDeepest) {
      diagnostics_.fatal(at(parent), fmt::format("more than {} elements deep", kDeepest));
    }
    for (const pugi::xml_node node : parent.children()) {
      if (++elements_ > kMostElements) {
        diagnostics_.fatal(at(node), fmt::format("more than {} elements", kMostElements));
      }
      const std::string_view name = node.name();
      if (depth == 1) ++root_;
      if (name == "pci") walk(node, node, depth + 1);
      if (name == "nic") walk(node, pci, depth + 1);
      if (name == "gpu") add_gpu(node, pci);
      if (name == "net") add_net(node, pci);
    }
  }

  void add_gpu(const pugi::xml_node node, const pugi::xml_node pci) {
    if (out_.gpus.size() == kMostGpus) {
      diagnostics_.fatal(at(node), fmt::format("more than {} GPUs", kMostGpus));
    }
    TopologyGpu gpu;
    const scenarios::Position here = at(node);
    gpu.line = static_cast<std::size_t>(here.line);
    gpu.column = here.column;
    gpu.bus = pci.attribute("busid").value();
    gpu.vendor = pci.attribute("vendor").value();
    gpu.device = pci.attribute("device").value();
    gpu.capability = number(node, "sm");
    gpu.pcie_lanes = number(pci, "link_width");
    gpu.pcie_rate = gigatransfers(pci);
    gpu.host = host_;
    gpu.root = root_;
    for (const pugi::xml_node link : node.children()) {
      const std::string_view kind = link.name();
      if (kind == "c2c") gpu.beside_cpu = true;
      if (kind == "xgmi") gpu.xgmi = true;
      if (kind == "nvlink") add_link(link, gpu);
    }
    out_.gpus.push_back(std::move(gpu));
  }

  // Classes of the target: 0x0680.. is a bridge, and 0x068001 a processor of Power; 0x03.... a GPU.
  void add_link(const pugi::xml_node node, TopologyGpu& gpu) {
    const std::string_view target_class = node.attribute("tclass").value();
    if (target_class == "0x068001") {
      gpu.beside_cpu = true;
      return;
    }
    gpu.nvlinks.push_back({node.attribute("target").value(),
                           std::max<std::int64_t>(0, number(node, "count")),
                           !target_class.starts_with("0x03")});
  }

  void add_net(const pugi::xml_node node, const pugi::xml_node pci) {
    TopologyNet net;
    net.line = static_cast<std::size_t>(line(offset_of(node)));
    net.name = node.attribute("name").value();
    net.vendor = pci.attribute("vendor").value();
    net.pci_class = pci.attribute("class").value();
    net.megabits = std::max<std::int64_t>(0, number(node, "speed"));
    net.host = host_;
    out_.nets.push_back(std::move(net));
  }

  // Dumps of a rack say which host a processor is of.
  std::size_t host_of(const pugi::xml_node cpu) {
    const std::string hash = cpu.attribute("host_hash").value();
    const auto known = std::find(hashes_.begin(), hashes_.end(), hash);
    if (known != hashes_.end()) return static_cast<std::size_t>(known - hashes_.begin());
    hashes_.push_back(hash);
    return hashes_.size() - 1;
  }

  // A whole number; 0 where it is not there.
  std::int64_t number(const pugi::xml_node node, const char* key) {
    const std::string_view value = node.attribute(key).value();
    if (value.empty()) return 0;
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    constexpr std::int64_t kMost = 1'000'000'000;
    if (error != std::errc{} || end != value.data() + value.size() || out < -1 || out > kMost) {
      diagnostics_.error(at(node, key), "",
                         fmt::format("{} of <{}> is '{}'", key, node.name(), value),
                         fmt::format("a whole number up to {}", kMost));
      return 0;
    }
    return out;
  }

  // "16.0 GT/s PCIe"; virtual machines say "Unknown".
  static double gigatransfers(const pugi::xml_node pci) {
    const std::string_view value = pci.attribute("link_speed").value();
    double out = 0.0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    return error == std::errc{} && out > 0.0 && out < 1000.0 ? out : 0.0;
  }

  std::size_t offset_of(const pugi::xml_node node) const {
    const auto offset = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, node.offset_debug()));
    return std::min(offset, text_.size());
  }

  scenarios::Position at(const pugi::xml_node node, std::string_view key = {}) const {
    std::size_t offset = offset_of(node);
    if (!key.empty()) {
      const std::size_t found = text_.find(" " + std::string(key) + "=", offset);
      if (found != std::string::npos) offset = found + 1;
    }
    return position(offset);
  }

  // Lines are counted from the last place that was asked for: elements come in their order.
  int line(std::size_t offset) const {
    if (offset < seen_) {
      seen_ = 0;
      line_ = 1;
    }
    line_ +=
        static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(seen_),
                                    text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    seen_ = offset;
    return line_;
  }

  scenarios::Position position(std::size_t offset) const {
    offset = std::min(offset, text_.size());
    std::size_t begin = offset;
    while (begin > 0 && text_[begin - 1] != '\n') --begin;
    const auto first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    const auto column =
        std::count_if(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                      text_.begin() + static_cast<std::ptrdiff_t>(offset), first_byte);
    return {0, line(offset), static_cast<int>(column) + 1};
  }

  const std::string& text_;
  scenarios::Sources sources_;
  scenarios::Diagnostics diagnostics_;
  Topology out_;
  std::vector<std::string> hashes_;
  std::size_t host_ = 0, root_ = 0, elements_ = 0;
  mutable std::size_t seen_ = 0;
  mutable int line_ = 1;
};

}  // namespace

Topology read_topology(const std::string& text, const std::string& file) {
  return Reader(text, file).read();
}

}  // namespace formats
