#include "apps/program.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "apps/console.hpp"
#include "reports/file.hpp"
#include "scenarios/reader.hpp"
#include "sim/contracts.hpp"
#include "sim/units.hpp"
#include "studies/search_journal.hpp"

namespace {

using nlohmann::ordered_json;

int exit_code(scenarios::ErrorKind kind) {
  switch (kind) {
    case scenarios::ErrorKind::invalid_input:
      return apps::kInvalidInput;
    case scenarios::ErrorKind::io:
      return apps::kIo;
    case scenarios::ErrorKind::limit:
      return apps::kLimit;
  }
  return apps::kInternalFault;
}

ordered_json to_json(const scenarios::Diagnostic& item) {
  return {{"severity", "error"},   {"file", item.file}, {"line", item.line},
          {"column", item.column}, {"path", item.path}, {"message", item.message},
          {"hint", item.hint}};
}

// Errors as one JSON line on stderr, for callers that asked for JSON.
void json_line(int code, ordered_json errors) {
  const ordered_json line{{"exit_code", code}, {"errors", std::move(errors)}};
  fmt::print(stderr, "{}\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

int fail(int code, const std::string& message, bool json) {
  apps::complain(message);
  if (json) json_line(code, {{{"severity", "error"}, {"message", message}}});
  return code;
}

int fail(const scenarios::ScenarioError& error, bool json) {
  ordered_json list = ordered_json::array();
  for (const auto& item : error.diagnostics()) {
    fmt::print(stderr, "{}\n", item.to_string());
    list.push_back(to_json(item));
  }
  const int code = exit_code(error.kind());
  if (json) json_line(code, std::move(list));
  return code;
}

int internal_fault(const char* what, bool json) {
  return fail(
      apps::kInternalFault,
      fmt::format("internal fault: {}\nThis is a bug in Stepcast; please report it with the "
                  "scenario and the command line.",
                  what),
      json);
}

}  // namespace

namespace apps {

int guarded(bool json, const std::function<int()>& work) {
  try {
    return work();
  } catch (const scenarios::ScenarioError& error) {
    return fail(error, json);
  } catch (const apps::UsageError& error) {
    return fail(apps::kUsage, error.what(), json);
  } catch (const reports::OutputError& error) {
    return fail(apps::kIo, error.what(), json);
  } catch (const studies::JournalError& error) {
    const bool io = error.kind() == studies::JournalError::Kind::io;
    return fail(io ? kIo : kInvalidInput, error.what(), json);
  } catch (const std::bad_alloc&) {
    return fail(
        apps::kLimit,
        "out of memory; raise --max-memory, leave --fold on auto, or use --fidelity analytic",
        json);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again) {
      return internal_fault(error.what(), json);
    }
    return fail(kLimit, "no more threads can be started; fewer --threads, or raise --max-memory",
                json);
  } catch (const sim::TimeOverflow&) {
    return fail(
        kLimit,
        "a step would take longer than the 106 days that a simulated time holds; look for a "
        "rate or an efficiency that is far too low, or a sequence that is far too long",
        json);
  } catch (const sim::ContractViolation& error) {
    return internal_fault(error.what(), json);
  } catch (const std::exception& error) {
    return internal_fault(error.what(), json);
  }
}

namespace {

// Simulations take and give back some tens of megabytes each: kept by the allocator, they need not
// be cleared by the system every time.
void keep_memory() {
  constexpr int kAtHand = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kAtHand);
  mallopt(M_TRIM_THRESHOLD, kAtHand);
}

}  // namespace

int run_program(int argc, const char* const* argv,
                const std::function<int(const Invocation&)>& work) {
  keep_memory();
  Invocation invocation;
  try {
    invocation = parse(argc, argv);
  } catch (const UsageError& error) {
    return fail(kUsage, error.what(), false);
  }
  return guarded(wants_json(invocation), [&] { return work(invocation); });
}

int execute_any(const Invocation& invocation) {
  return std::visit([](const auto& options) { return execute(options); }, invocation);
}

}  // namespace apps
