// Programmer contracts. A broken contract is a bug in Stepcast and never a user's mistake; it is
// reported as sim::ContractViolation, which the command line turns into exit code 1.
#pragma once

#include <stdexcept>
#include <string>

namespace sim {

class ContractViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void contract_failed(const char* condition, const char* message,
                                         const char* file, int line) {
  throw ContractViolation(std::string(file) + ":" + std::to_string(line) + ": " + message + " (" +
                          condition + ")");
}

}  // namespace sim

#define SIM_EXPECTS(condition, message) \
  ((condition) ? void(0) : ::sim::contract_failed(#condition, message, __FILE__, __LINE__))
