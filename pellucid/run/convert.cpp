// Another floating-point type or another device for a whole graph, literals included.
#include <c10/core/GradMode.h>

#include "pellucid/graph/builder.h"
#include "pellucid/graph/operand.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

std::shared_ptr<const Graph> with_bodies(
    GraphParts parts,
    const std::function<std::shared_ptr<const Graph>(std::shared_ptr<const Graph>)>& change) {
  for (Node& node : parts.nodes) {
    for (auto& body : node.bodies) body = change(body);
  }
  return assemble(std::move(parts));
}

}  // namespace

std::shared_ptr<const Graph> with_dtype(const std::shared_ptr<const Graph>& graph,
                                        at::ScalarType dtype) {
  const at::NoGradGuard no_gradient;
  GraphParts parts = take_apart(*graph);
  for (Value& value : parts.values) {
    if (value.dtype && at::isFloatingType(*value.dtype)) value.dtype = dtype;
  }
  for (Constant& constant : parts.constants) {
    if (at::isFloatingType(constant.data.scalar_type())) constant.data = constant.data.to(dtype);
  }
  for (Node& node : parts.nodes) {
    if (node.kind != NodeKind::aten) continue;
    const auto& arguments = node.handle->schema().arguments();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      // The schema's "real" type of an enumeration; its plain type is an integer.
      if (arguments[i].name() != "dtype" || node.operands[i].is_value() ||
          !node.operands[i].constant().isInt())
        continue;
      const auto literal = static_cast<at::ScalarType>(node.operands[i].constant().toInt());
      if (at::isFloatingType(literal))
        node.operands[i] = {c10::IValue(static_cast<std::int64_t>(dtype))};
    }
  }
  return with_bodies(std::move(parts), [&](const auto& body) { return with_dtype(body, dtype); });
}

std::shared_ptr<const Graph> with_device(const std::shared_ptr<const Graph>& graph,
                                         at::Device device) {
  const at::NoGradGuard no_gradient;
  GraphParts parts = take_apart(*graph);
  for (Constant& constant : parts.constants) constant.data = constant.data.to(device);
  for (Node& node : parts.nodes) {
    if (node.autocast) node.autocast->device = device.type();
    for (Operand& operand : node.operands) {
      if (!operand.is_value() && !operand.is_list() && operand.constant().isDevice())
        operand = {c10::IValue(device)};
    }
  }
  return with_bodies(std::move(parts), [&](const auto& body) { return with_device(body, device); });
}

}  // namespace pellucid
