// A tensor's rank, type and sizes as its examples have them; a size that is the batch's, or that
// content decides, is a node.
#include "pellucid/formats/torchscript/interpreter.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

c10::OperatorHandle operator_of(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

Item only(std::vector<Item> items) { return items.at(0); }

std::optional<Item> of_type(const std::string& name, const at::Tensor& tensor) {
  if (name == "aten::dim" || name == "prim::dim" || name == "aten::ndimension")
    return c10::IValue(tensor.dim());
  if (name == "prim::dtype") return c10::IValue(static_cast<std::int64_t>(tensor.scalar_type()));
  if (name == "prim::device" || name == "aten::device") return c10::IValue(tensor.device());
  if (name == "prim::layout") return c10::IValue(static_cast<std::int64_t>(tensor.layout()));
  if (name == "aten::is_floating_point" || name == "prim::is_floating_point")
    return c10::IValue(tensor.is_floating_point());
  if (name == "aten::is_complex") return c10::IValue(tensor.is_complex());
  if (name == "aten::element_size" || name == "prim::itemsize")
    return c10::IValue(static_cast<std::int64_t>(tensor.element_size()));
  for (const char* place :
       {"prim::is_cuda", "prim::is_xpu", "prim::is_mps", "prim::is_mkldnn", "prim::is_quantized",
        "prim::is_sparse", "prim::is_sparse_csr", "prim::is_meta", "prim::is_vulkan",
        "prim::is_ipu", "prim::is_nested", "prim::requires_grad", "aten::requires_grad"}) {
    if (name == place) return c10::IValue(false);
  }
  return std::nullopt;
}

Item size_of(const Item& tensor, std::int64_t axis, Recorder& recorder, const Origin& origin) {
  return only(
      recorder.call(operator_of("aten::sym_size", "int"), {tensor, c10::IValue(axis)}, origin));
}

// The only element of a tensor, as a number.
std::optional<Item> content(const std::string& name, const Item& tensor, const Symbol& known,
                            Recorder& recorder, const Origin& origin) {
  const bool bare =
      name == "aten::item" || name == "aten::ScalarImplicit" || name == "aten::_local_scalar_dense";
  const std::string_view as = name == "aten::Int" || name == "aten::IntImplicit"       ? "int"
                              : name == "aten::Float" || name == "aten::FloatImplicit" ? "float"
                              : name == "aten::Bool"                                   ? "bool"
                                                                                       : "";
  if (!bare && as.empty()) return std::nullopt;
  Item number;
  if (recorder.is_exact(known)) {
    const at::Scalar value = known.examples[0].toTensor().item();
    number = c10::IValue(value);
  } else {
    number = only(recorder.call(operator_of("aten::item", ""), {tensor}, origin));
  }
  return as.empty() ? number : recorder.number(as, {number}, origin);
}

}  // namespace

std::optional<Item> property_call(const jit::Node& node, const std::vector<Item>& inputs,
                                  Recorder& recorder, const Origin& origin) {
  if (inputs.empty()) return std::nullopt;
  const Symbol* known = symbol(inputs[0]);
  const std::string name = node.kind().toQualString();
  if (known == nullptr || !known->is_tensor || !known->examples[0].isTensor() ||
      !known->examples[0].toTensor().defined())
    return std::nullopt;
  const at::Tensor& tensor = known->examples[0].toTensor();
  if (inputs.size() == 1) {
    if (auto answer = of_type(name, tensor)) return answer;
    if (auto answer = content(name, inputs[0], *known, recorder, origin)) return answer;
  }
  if (name == "aten::numel" || name == "prim::numel")
    return only(recorder.call(operator_of("aten::sym_numel", ""), {inputs[0]}, origin));
  if (name == "aten::size" || name == "prim::shape" || name == "prim::size") {
    if (inputs.size() == 2) {
      const c10::IValue* axis = literal(inputs[1]);
      if (axis == nullptr || !axis->isInt()) return std::nullopt;
      return size_of(inputs[0], axis->toInt(), recorder, origin);
    }
    auto sizes = std::make_shared<List>();
    sizes->scope = &recorder.scope();
    for (std::int64_t axis = 0; axis < tensor.dim(); ++axis)
      sizes->items.push_back(size_of(inputs[0], axis, recorder, origin));
    return sizes;
  }
  if (name == "aten::len" && tensor.dim() > 0) return size_of(inputs[0], 0, recorder, origin);
  return std::nullopt;
}

}  // namespace pellucid::script
