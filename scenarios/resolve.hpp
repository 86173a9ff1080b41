// Draft -> Scenario: fills what was not given from what was, checks that the parts agree, and notes
// the origin of every value.
#pragma once

#include "scenarios/draft.hpp"
#include "scenarios/node.hpp"
#include "scenarios/problems.hpp"
#include "scenarios/source.hpp"

namespace scenarios {

enum class PlanChecks : std::uint8_t { on, off };

class Resolver {
 public:
  Resolver(Draft draft, const Node& tree, const Sources& sources, Diagnostics& diagnostics)
      : draft_(std::move(draft)), tree_(tree), sources_(sources), diagnostics_(diagnostics) {}

  // Throws ScenarioError with all that is wrong.
  Scenario scenario(PlanChecks checks);
  // Cluster and device alone, without a job.
  Scenario cluster_only();
  models::Model model_only();

 private:
  // Where a key was set; else the nearest section above it; else the start of the scenario.
  Position locate(std::string_view path) const;
  std::string place(Position at) const;
  bool given(const std::string& path) const { return draft_.has(path); }
  bool given_by_user(const std::string& path) const;
  // Sets a value that was not given, and says where it comes from.
  template <class T>
  void settle(const std::string& path, T& target, const T& value, std::string origin) {
    if (given(path)) return;
    target = value;
    draft_.origins[path] = std::move(origin);
  }
  void require(const std::string& path, const std::string& hint);
  void require_section(const char* name, const std::string& hint);
  void report(const std::vector<Problem>& problems);
  void warn(std::string message, const std::string& path);

  models::Model model();
  models::Model operator_list();
  void transformer_shape();
  void transformer_parts();
  void device();
  void cluster_size();
  void intra_node();
  void inter_node();
  void fit_torus();
  void training();
  void finer_recompute();
  void idle_settings();
  void code_base_warnings();
  void profile();
  void plan();
  void layout();
  void checkpoints();
  void written_layout();
  void written_schedule();
  void refuse_huge();
  void search_counts();
  void batch();
  std::vector<Resolved> provenance() const;

  Draft draft_;
  const Node& tree_;
  const Sources& sources_;
  Diagnostics& diagnostics_;
  Scenario out_;
};

}  // namespace scenarios
