// The rows of `faults:`, `search:` and the top level.
#include "scenarios/keys.hpp"

namespace scenarios {
namespace {

using strategies::Faults;

constexpr Range kBytes{0, 1e15};
constexpr Range kJitter{0, 0.3};    // noise stays below three of it: no rank takes no time
constexpr Range kGpus{1, 1 << 20};  // as cluster.gpus

const std::vector<Key<Draft>> kOther = {
    key<Draft, &Draft::name>("name", "name of the file", "Title in results.", {1, 128}),
    key<Draft, &Draft::faults, &Faults::slow_ranks>(
        "faults.slow_ranks", "none", "Ranks whose compute takes longer: [{rank, factor}]."),
    key<Draft, &Draft::faults, &Faults::slow_links>("faults.slow_links", "none",
                                                    "Links with less capacity: [{link, factor}]."),
    key<Draft, &Draft::faults, &Faults::jitter>(
        "faults.jitter", "0", "Relative standard deviation of compute durations.", kJitter),
    key<Draft, &Draft::faults, &Faults::failures_per_gpu_hour>(
        "faults.failures", "0", "Failures per device and hour.", {0, 1e3}),
    key<Draft, &Draft::faults, &Faults::seed>("faults.seed", "0", "Of all random numbers.",
                                              {0, 9007199254740992.0}),
    key<Draft, &Draft::plugins>(
        "plugins", "none",
        "Shared objects with more strategies, beneath the scenario's folder (docs/plugin.md)."),
    key<Draft, &Draft::search, &SearchSection::fixed>(
        "search.fixed", "none", "Keys of strategy and training that `search` does not vary."),
    key<Draft, &Draft::search, &SearchSection::ranges>("search.ranges", "chosen by search",
                                                       "Values `search` tries: tp: [1, 2, 4, 8]."),
    key<Draft, &Draft::search, &SearchSection::max_memory_bytes>(
        "search.max_memory", "the device's", "Most device memory a strategy may need.", kBytes,
        Dimension::bytes),
    key<Draft, &Draft::search, &SearchSection::gpus>(
        "search.gpus", "cluster.gpus", "GPU counts `search` compares: [1024, 2048, 4096].", kGpus),
};

const std::vector<Key<Faults::SlowRank>> kSlowRank = {
    key<Faults::SlowRank, &Faults::SlowRank::rank>("rank", "required", "Rank.", {0, 1 << 20}),
    key<Faults::SlowRank, &Faults::SlowRank::factor>("factor", "required", "Times slower.",
                                                     {1, 1e6}),
};

const std::vector<Key<Faults::SlowLink>> kSlowLink = {
    key<Faults::SlowLink, &Faults::SlowLink::link>(
        "link", "required", "Name of the link, or of several: * is any run of characters."),
    key<Faults::SlowLink, &Faults::SlowLink::factor>("factor", "required",
                                                     "Capacity is divided by this.", {1, 1e6}),
};

}  // namespace

std::span<const Key<Draft>> other_keys() { return kOther; }
std::span<const Key<Faults::SlowRank>> slow_rank_keys() { return kSlowRank; }
std::span<const Key<Faults::SlowLink>> slow_link_keys() { return kSlowLink; }

}  // namespace scenarios
