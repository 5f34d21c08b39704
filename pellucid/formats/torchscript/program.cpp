// The program is walked with one sample and with two at once: where that fails, or the samples are
// not treated alike, it is walked with the batch it was made for.
#include "pellucid/formats/torchscript/program.h"

#include <ATen/ops/allclose.h>
#include <c10/core/GradMode.h>

#include "pellucid/formats/torchscript/examples.h"
#include "pellucid/formats/torchscript/interpreter.h"
#include "pellucid/formats/torchscript/recorder.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

// A batch equals its samples run one by one to float rounding, relative to the largest value.
constexpr double same_answer = 1e-3;

constexpr const char* how_to_record =
    "record its inputs: write it with pellucid.export, or put {\"inputs\": [{\"name\": ..., "
    "\"shape\": [null, 3, 224, 224]}]} into a file beside it, named like it with .json";

// An argument as the program takes it: its tensors become the graph's inputs.
Item input_of(const std::string& name, const std::vector<c10::IValue>& examples,
              const c10::TypePtr& type, Recorder& recorder) {
  const c10::IValue& first = examples[0];
  const auto each = [&](const auto& choose) {
    std::vector<c10::IValue> chosen;
    for (const c10::IValue& example : examples) chosen.push_back(choose(example));
    return chosen;
  };
  if (first.isTensor()) return recorder.input(name, examples);
  if (first.isTuple() || first.isList()) {
    std::vector<Item> items;
    const auto count =
        first.isTuple() ? first.toTupleRef().elements().size() : first.toListRef().size();
    for (std::size_t i = 0; i < count; ++i) {
      items.push_back(input_of(name + "_" + std::to_string(i), each([&](const c10::IValue& v) {
                                 return v.isTuple() ? v.toTupleRef().elements()[i]
                                                    : v.toListRef()[i];
                               }),
                               type, recorder));
    }
    if (first.isList() && type->kind() != c10::TypeKind::TupleType) {
      auto made = std::make_shared<List>();
      made->items = std::move(items);
      made->scope = &recorder.root();
      return made;
    }
    auto made = std::make_shared<Tuple>();
    made->items = std::move(items);
    return made;
  }
  if (first.isGenericDict()) {
    auto made = std::make_shared<Dict>();
    made->scope = &recorder.root();
    for (const auto& entry : first.toGenericDict()) {
      const std::string key = entry.key().isString() ? entry.key().toStringRef() : "item";
      made->items.emplace_back(entry.key(), input_of(key, each([&](const c10::IValue& v) {
                                                       return v.toGenericDict().at(entry.key());
                                                     }),
                                                     type, recorder));
    }
    return made;
  }
  return first;
}

struct Leaf {
  std::string name;
  Item item;
};

void collect(const Item& item, const std::string& path, std::vector<Leaf>& leaves) {
  const auto below = [&](const std::string& name) {
    return path.empty() ? name : path + "." + name;
  };
  const auto each = [&](const std::vector<Item>& items, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < items.size(); ++i)
      collect(items[i], below(i < names.size() ? names[i] : std::to_string(i)), leaves);
  };
  if (const List* known = list(item)) return each(known->items, {});
  if (const Tuple* known = tuple(item)) return each(known->items, known->names);
  if (const Dict* known = dict(item)) {
    for (const auto& [key, value] : known->items)
      collect(value, below(key.isString() ? key.toStringRef() : std::to_string(key.toInt())),
              leaves);
    return;
  }
  if (is_none(item)) return;
  if (symbol(item) == nullptr && !is_number(item))
    throw Unsupported{model_error("forward() returns " + kind_of(item))};
  leaves.push_back({path, item});
}

// Each sample's answer must be what it is alone.
void verify_batch(const std::vector<Leaf>& leaves) {
  for (const Leaf& leaf : leaves) {
    const Symbol* known = symbol(leaf.item);
    if (known == nullptr || !known->is_tensor || known->examples.size() < 2) continue;
    const at::Tensor &alone = known->examples[0].toTensor(), &two = known->examples[1].toTensor();
    if (alone.dim() == 0 || two.dim() != alone.dim() || two.size(0) != 2 * alone.size(0) ||
        two.sizes().slice(1) != alone.sizes().slice(1))
      throw BatchMatters{"the answer is not one per sample"};
    const at::Tensor first = two.narrow(0, 0, alone.size(0)).to(at::kDouble);
    const at::Tensor wanted = alone.to(at::kDouble);
    if (wanted.numel() == 0) continue;
    const double largest = wanted.abs().max().item<double>();
    if (!at::allclose(first, wanted, 0.0, same_answer * largest + 1e-12, true))
      throw BatchMatters{"samples of a batch are not treated alike"};
  }
}

std::shared_ptr<const Graph> build(const jit::Module& module,
                                   const std::vector<std::vector<c10::IValue>>& examples) {
  const at::NoGradGuard no_gradient;
  Recorder recorder(examples.size());
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  std::vector<Item> given;
  std::size_t next = 0;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const bool known = next < examples[0].size();
    if (!known) {
      if (!arguments[i].default_value())
        throw Unsupported{model_error("forward() wants the argument \"" + arguments[i].name() +
                                      "\" of type " + arguments[i].type()->str())};
      given.push_back(item_of(*arguments[i].default_value(), &recorder.root()));
      continue;
    }
    std::vector<c10::IValue> values;
    for (const auto& example : examples) values.push_back(example[next]);
    ++next;
    given.push_back(input_of(arguments[i].name(), values, arguments[i].type(), recorder));
  }
  Interpreter interpreter(recorder, module);
  const Item answer = interpreter.run(std::move(given));
  std::vector<Leaf> leaves;
  collect(answer, "", leaves);
  if (leaves.empty()) throw Unsupported{model_error("forward() returns nothing")};
  if (leaves.size() == 1 && leaves[0].name == "0") leaves[0].name.clear();
  verify_batch(leaves);
  for (const Leaf& leaf : leaves)
    recorder.root().builder().add_output({leaf.name, recorder.operand(leaf.item)});
  return std::move(recorder).build();
}

std::vector<std::vector<c10::IValue>> with_two(const std::vector<c10::IValue>& values) {
  std::vector<std::vector<c10::IValue>> examples(2);
  for (const c10::IValue& value : values) {
    examples[0].push_back(first_sample(value));
    examples[1].push_back(two_samples(value));
  }
  return examples;
}

bool has_samples(const std::vector<c10::IValue>& values) {
  for (const c10::IValue& value : values)
    if (value.isTensor() && value.toTensor().dim() > 0) return true;
  return false;
}

std::shared_ptr<const Graph> read_with(const jit::Module& module, const Arguments& arguments) {
  if (has_samples(arguments.values)) {
    try {
      return build(module, with_two(arguments.values));
    } catch (const BatchMatters&) {
    } catch (const Error&) {  // a trace that holds for its own batch alone
    }
  }
  std::vector<c10::IValue> copies;
  for (const c10::IValue& value : arguments.values) copies.push_back(value.deepcopy());
  return build(module, {copies});
}

// The likeliest first.
std::vector<Arguments> candidates_for(const Loaded& loaded, const Json& metadata) {
  const auto& schema = loaded.module.get_method("forward").function().getSchema().arguments();
  std::size_t wanted = 0;  // arguments that must be given
  while (wanted + 1 < schema.size() && !schema[wanted + 1].default_value()) ++wanted;
  if (loaded.traced && loaded.traced->size() < schema.size() && loaded.traced->size() >= wanted) {
    if (auto known = traced(*loaded.traced)) return {*std::move(known)};
  }
  if (auto recorded = described(metadata, wanted)) return {*std::move(recorded)};
  for (std::size_t i = 1; i <= wanted; ++i) {
    if (schema[i].type()->kind() == c10::TypeKind::TensorType) continue;
    throw model_error("the file does not say what the argument \"" + schema[i].name() +
                      "\" of type " + schema[i].type()->str() + " looks like")
        .hint("trace the model with an example: torch.jit.trace(model, example)");
  }
  return guesses(loaded.module, wanted);
}

}  // namespace

Program read_program(const Loaded& loaded, const Json& metadata) {
  const std::vector<Arguments> candidates = candidates_for(loaded, metadata);
  std::optional<Error> first;
  for (const Arguments& arguments : candidates) {
    try {
      Program program{read_with(loaded.module, arguments), {}};
      if (arguments.guessed)
        program.warnings.push_back("the file does not say what its inputs look like; " +
                                   arguments.shape + " is a guess that its program accepts");
      return program;
    } catch (const Unsupported& refused) {
      throw refused.error;
    } catch (const Error& error) {
      if (!first) first = error;
    } catch (const BatchMatters& matters) {
      if (!first) first = model_error(matters.reason);
    }
  }
  if (candidates.front().guessed) first->hint(how_to_record);
  throw *first;
}

}  // namespace pellucid::script
