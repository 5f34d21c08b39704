// Walks a TorchScript program and records what it does on the example inputs: modules and functions
// are entered, containers and control flow that no input decides are resolved, and what is left is
// the graph's nodes.
#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "pellucid/formats/torchscript/item.h"
#include "pellucid/formats/torchscript/recorder.h"

namespace pellucid::script {

class Interpreter {
 public:
  Interpreter(Recorder& recorder, const torch::jit::Module& module);

  // What the module's forward returns for these arguments (without self). Throws Unsupported naming
  // what is not read, Error where the program fails on the examples, BatchMatters.
  Item run(std::vector<Item> arguments);

 private:
  using Values = std::unordered_map<const torch::jit::Value*, Item>;
  // Where the walk is: a function, and whose method it is.
  struct Place {
    std::string path, module_class;
    const torch::jit::Node* call = nullptr;
  };

  Item call(torch::jit::Function& function, std::vector<Item> arguments,
            const torch::jit::Node* site);
  void run_block(const torch::jit::Block& block, Values& values);
  void run_node(const torch::jit::Node& node, Values& values);
  void run_structure(const torch::jit::Node& node, Values& values);

  // control.cpp
  void run_if(const torch::jit::Node& node, Values& values);
  void run_loop(const torch::jit::Node& node, Values& values);
  void run_branches(const torch::jit::Node& node, const Item& condition, Values& values);
  struct Looping {
    Item trip, condition;
    std::vector<Item> carried;
    std::int64_t first = 0;  // iterations that ran already
  };
  void run_rest_of_loop(const torch::jit::Node& node, Looping looping, Values& values);
  // The loop's body as a graph, for carried values of which `varying` change their sizes.
  struct LoopBody {
    std::shared_ptr<const Graph> graph;
    std::vector<Symbol> captured, results;
    std::vector<bool> varying;
  };
  LoopBody loop_body(const torch::jit::Node& node, const Looping& looping,
                     const std::vector<bool>& varying, Values& values);

  // builtins.cpp
  std::vector<Item> run_builtin(const torch::jit::Node& node, std::vector<Item> inputs);

  Item get(const torch::jit::Value* value, const Values& values) const;
  std::vector<Item> inputs_of(const torch::jit::Node& node, const Values& values) const;
  static void set(const torch::jit::Value* value, Item item, Values& values);
  Item attribute(Instance& object, const std::string& name);
  Item module_of(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& path);
  Origin origin_of(const torch::jit::Node& node) const;
  Error at_node(Error error, const torch::jit::Node& node) const;

  Recorder& recorder_;
  const torch::jit::Module& module_;
  std::vector<Place> places_;
  std::unordered_map<const void*, std::string> paths_;  // of modules, as their parents name them
  std::unordered_map<const void*, std::string> names_;  // of parameters and buffers
  std::unordered_map<const void*, std::shared_ptr<Instance>> modules_;
  std::unordered_map<std::string, int> uses_;  // of a module, by path
  std::size_t steps_ = 0;
};

// True when the block raises, whatever happens.
bool raises(const torch::jit::Block& block);

// "torchvision.models.resnet.BasicBlock"
std::string class_name(const c10::ClassType& type);

// Operators on lists, dictionaries, strings and whatever else is known while the graph is built
// (containers.cpp); nothing where the operator is none of them.
std::optional<std::vector<Item>> container_call(const torch::jit::Node& node,
                                                std::vector<Item>& inputs, Recorder& recorder,
                                                const Origin& origin);
// Operators that torch fuses where no gradient is asked, as what they are made of (fused.cpp).
std::optional<std::vector<Item>> fused_call(const torch::jit::Node& node,
                                            const std::vector<Item>& inputs, Recorder& recorder,
                                            const Origin& origin);
// Arithmetic on numbers of which some are symbols, or stand for tensors (numbers.cpp).
std::optional<Item> number_call(const torch::jit::Node& node, const std::vector<Item>& inputs,
                                Recorder& recorder, const Origin& origin);
// True for `batch *= 2` in a trace, which has the number as a tensor and changes that.
bool changes_number(const torch::jit::Node& node, const std::vector<Item>& inputs);
// What is asked of a tensor that is no tensor: sizes, rank, type, its only element
// (properties.cpp).
std::optional<Item> property_call(const torch::jit::Node& node, const std::vector<Item>& inputs,
                                  Recorder& recorder, const Origin& origin);

}  // namespace pellucid::script
