// What issuing an operation takes the host, by what it is: the profile's times, looked up once.
#pragma once

#include "strategies/program.hpp"
#include "strategies/step_context.hpp"

namespace strategies {

struct HostCosts {
  sim::Time forward;      // a kernel of forward: model code, dispatcher, driver
  sim::Time backward;     // a kernel of backward, which autograd issues
  sim::Time collective;   // a collective, a send or a receive
  bool blocking = false;  // nothing is issued before what was issued last is done

  sim::Time kernels(Activity activity, int count) const {
    const bool autograd = activity == Activity::backward || activity == Activity::weight_gradient;
    return (autograd ? backward : forward) * count;
  }
};

// All zero where the host never matters.
HostCosts host_costs(const StepContext& context);

}  // namespace strategies
