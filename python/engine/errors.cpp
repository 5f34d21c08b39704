// Faults travel by name; the order is that of the enumeration.
#include "errors.h"

#include <algorithm>
#include <string>

namespace py = pybind11;

namespace pellucid {
namespace {

constexpr std::string_view faults[] = {"usage",   "input",     "model",   "too_large",
                                       "storage", "cancelled", "internal"};

Fault fault_named(std::string_view name) {
  const auto* found = std::ranges::find(faults, name);
  return found == std::end(faults) ? Fault::internal : static_cast<Fault>(found - faults);
}

}  // namespace

py::tuple parts_of(const Error& error) {
  return py::make_tuple(error.message(), error.where(), error.remedy(),
                        faults[static_cast<int>(error.fault())], std::string(error.what()));
}

Error error_of(const py::error_already_set& raised) {
  const py::object& value = raised.value();
  const auto text = [&](const char* name) { return py::str(value.attr(name)).cast<std::string>(); };
  if (py::isinstance(value, py::module_::import("pellucid.errors").attr("Error"))) {
    Error error(fault_named(text("fault")), text("what"));
    if (const std::string where = text("where"); !where.empty()) error.at(where);
    if (const std::string remedy = text("remedy"); !remedy.empty()) error.hint(remedy);
    return error;
  }
  const std::string type = py::str(py::type::of(value).attr("__name__")).cast<std::string>();
  const std::string said = py::str(value).cast<std::string>();
  return usage_error(said.empty() ? type : type + ": " + first_line(said));
}

}  // namespace pellucid
