// The whole path of an explanation on a network of three operators: builder, executor, autograd,
// method. The map must equal central differences of the same graph in float64.
#include "pellucid/operation/self_test.h"

#include <ATen/ops/arange.h>

#include <chrono>

#include "pellucid/graph/builder.h"
#include "pellucid/model/gradient_check.h"
#include "pellucid/run/lift_batch.h"
#include "pellucid/run/rewrites.h"

namespace pellucid {
namespace {

// Numbers that look random and are the same everywhere: the fractional parts of multiples of the
// golden ratio.
at::Tensor numbers(at::IntArrayRef shape, double offset) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  const at::Tensor steps = (at::arange(count, at::kDouble) + offset) * 0.6180339887498949;
  return (steps.frac() * 2 - 1).reshape(shape);
}

Value tensor_value(std::string name, at::IntArrayRef shape) {
  Value value;
  value.name = std::move(name);
  value.dtype = at::kFloat;
  for (const std::int64_t size : shape) value.shape.emplace_back(size);
  return value;
}

std::shared_ptr<const Graph> small_network() {
  GraphBuilder builder;
  const ValueId input = builder.add_input(tensor_value("x", {1, 2, 6, 6}));
  const ValueId weight = builder.add_constant(tensor_value("weight", {4, 2, 3, 3}),
                                              {.name = "weight",
                                               .kind = ConstantKind::parameter,
                                               .data = numbers({4, 2, 3, 3}, 0.5).to(at::kFloat)});
  const ValueId features = builder.declare(tensor_value("features", {1, 4, 4, 4}));
  const ValueId active = builder.declare(tensor_value("active", {1, 4, 4, 4}));
  const ValueId scores = builder.declare(tensor_value("scores", {1, 4}));
  builder.add_aten("features", "aten::conv2d.default", {{"", {input}}, {"", {weight}}},
                   {{{features}}}, {});
  builder.add_aten("active", "aten::relu.default", {{"", {features}}}, {{{active}}}, {});
  builder.add_aten("scores", "aten::mean.dim",
                   {{"", {active}}, {"", {c10::IValue(std::vector<std::int64_t>{2, 3})}}},
                   {{{scores}}}, {});
  builder.add_output({"scores", {scores}});
  return std::move(builder).build();
}

double score(const Runner& runner, const at::Tensor& input, const Target& target) {
  const ValueId wanted = target.reads(runner.graph());
  const Feed feed{runner.graph().inputs()[0], input};
  return target.of(runner.run({&feed, 1}, {&wanted, 1}, {}).front().toTensor()).item<double>();
}

at::Tensor differences(const std::shared_ptr<const Graph>& graph, const at::Tensor& input,
                       const Target& target) {
  const Executor exact(with_dtype(graph, at::kDouble));
  constexpr double step = 1e-6;
  at::Tensor result = input.to(at::kDouble).clone();
  for (std::int64_t i = 0; i < input.numel(); ++i) {
    const auto moved = [&](double by) {
      at::Tensor point = input.to(at::kDouble).clone();
      point.view({-1})[i] += by;
      return score(exact, point, target);
    };
    result.view({-1})[i] = (moved(step) - moved(-step)) / (2 * step);
  }
  return result;
}

at::Tensor saliency_map(const Catalogue& catalogue, const std::shared_ptr<const Graph>& graph,
                        const at::Tensor& input, const Target& target) {
  Model model;
  model.graph = graph;
  model.metadata = guess_metadata(*graph);
  Question question;
  question.model = &model;
  question.inputs = {{.name = "x", .value = graph->inputs()[0], .data = input}};
  question.targets = {target};
  Probe probe(std::make_shared<BatchRunner>(std::make_shared<Executor>(graph)), {});
  const Method& method = catalogue.method("saliency");
  return method.explain(question, probe, {{"absolute", false}}).maps.at(0).scores;
}

at::Tensor small_input() { return numbers({1, 2, 6, 6}, 7).to(at::kFloat); }

Check map_check(const Catalogue& catalogue, Language language) {
  Check check;
  check.name = "self-test";
  check.verdict = "fail";
  try {
    const auto start = std::chrono::steady_clock::now();
    const auto graph = small_network();
    const at::Tensor input = small_input();
    Target target;
    target.index = 1;
    const at::Tensor map = saliency_map(catalogue, graph, input, target).to(at::kDouble);
    const at::Tensor right = differences(graph, input, target);
    const double largest = right.abs().max().item<double>();
    const double gap = (map - right).abs().max().item<double>() / largest;
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    // float32 keeps seven digits; sums of eighteen products of numbers below 1 lose one of them at
    // most.
    constexpr double allowed = 1e-5;
    check.value = gap;
    check.threshold = allowed;
    check.verdict = gap <= allowed && largest > 0 ? "pass" : "fail";
    check.words =
        say(language,
            "the map of a small network differs from finite differences by {0} (allowed {1}), {2}",
            {number(gap, 2), number(allowed, 2), human_seconds(seconds)});
  } catch (const std::exception& error) {
    check.words = say(language, "the map of a small network could not be computed: {0}",
                      {first_line(error.what())});
  }
  return check;
}

Check gradient_of_small_network(Language language) {
  Check check;
  check.name = "gradient";
  check.verdict = "fail";
  try {
    const auto graph = small_network();
    const at::Tensor input = small_input();
    const GradientCheck gradient =
        check_gradient(BatchRunner(std::make_shared<Executor>(graph)), graph, {&input, 1});
    check.value = gradient.error;
    check.threshold = gradient.threshold;
    check.verdict = gradient.passed() ? "pass" : "fail";
    check.words = say(
        language, "the gradient differs from finite differences by {0} of its size (allowed {1})",
        {number(gradient.error, 2), number(gradient.threshold, 2)});
  } catch (const std::exception& error) {
    check.words =
        say(language, "the gradient could not be checked: {0}", {first_line(error.what())});
  }
  return check;
}

}  // namespace

std::vector<Check> run_self_test(const Catalogue& catalogue, Language language) {
  return {map_check(catalogue, language), gradient_of_small_network(language)};
}

}  // namespace pellucid
