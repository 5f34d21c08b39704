// A graph while it is made out of ONNX nodes: what each name stands for, and the calls that make
// it.
//
// Every tensor is carried in two "seen" forms beside the real one: tensors without data whose
// symbolic sizes have been replaced by two different numbers. ATen itself then tells type and shape
// of every result, and a size is known exactly when both forms agree.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pellucid/graph/builder.h"

namespace pellucid::from_onnx {

struct Term;
using Ref = std::shared_ptr<Term>;
using Refs = std::vector<Ref>;

// A number that is known while building, or one that a value of the graph will be.
struct Number {
  c10::IValue constant;             // unless there is a value
  Ref value;                        // whose is_tensor is false
  std::array<c10::IValue, 2> seen;  // in the two forms; None: not known there either

  bool known() const { return value == nullptr; }
};
Number number(std::int64_t constant);
Number number(c10::IValue constant);

// What an ONNX name stands for.
struct Term {
  std::string name;  // of its value; given when the ONNX node that makes it is finished
  bool is_tensor = true;
  at::Tensor data;  // known while building; it becomes a constant where a node wants it
  ConstantKind kind = ConstantKind::literal;
  // A small tensor of sizes or of arithmetic on them, of no or of one dimension.
  std::optional<std::vector<Number>> numbers;
  bool is_scalar = false;                   // the numbers have no dimension
  at::ScalarType numbers_type = at::kLong;  // as ONNX has them
  std::array<at::Tensor, 2> seen;           // undefined: type and shape are not known
  std::array<c10::IValue, 2> seen_number;   // of a symbolic number
  // What QuantizeLinear was given, so that a gradient can go straight through.
  struct Quantised {
    Ref input, scale, zero_point;
    std::int64_t axis = 1, lowest = 0, highest = 255;
  };
  std::shared_ptr<const Quantised> quantised;
};

Ref constant_term(at::Tensor data, std::string name = {});
Ref numbers_term(std::vector<Number> numbers, bool is_scalar, at::ScalarType type);

// Of terms whose type and shape are known; both forms agree on type and number of dimensions.
bool is_known(const Ref& term);
at::ScalarType dtype_of(const Ref& term);
std::int64_t rank_of(const Ref& term);
// nullopt: symbolic.
std::optional<std::int64_t> known_size(const Ref& term, std::int64_t axis);
// Says what is not known otherwise.
void set_seen(const Ref& term, at::ScalarType type, std::size_t form,
              const std::vector<std::int64_t>& sizes);

// An argument of a call.
struct Arg {
  std::variant<c10::IValue, Ref, Number, std::vector<Arg>> is;

  Arg() : is(c10::IValue()) {}
  Arg(c10::IValue constant) : is(std::move(constant)) {}
  Arg(std::int64_t constant) : is(c10::IValue(constant)) {}
  Arg(int constant) : is(c10::IValue(static_cast<std::int64_t>(constant))) {}
  Arg(double constant) : is(c10::IValue(constant)) {}
  Arg(bool constant) : is(c10::IValue(constant)) {}
  Arg(const char* constant) : is(c10::IValue(std::string(constant))) {}
  Arg(at::ScalarType type) : is(c10::IValue(static_cast<std::int64_t>(type))) {}
  Arg(Ref term) {  // an operand that is left out is None
    if (term == nullptr)
      is = c10::IValue();
    else
      is = std::move(term);
  }
  Arg(Number number) : is(std::move(number)) {}
  Arg(const std::vector<std::int64_t>& constants) : is(c10::IValue(constants)) {}
  Arg(const std::vector<bool>& constants) : is(c10::IValue(c10::List<bool>())) {
    for (const bool each : constants) std::get<0>(is).toBoolList().push_back(each);
  }
  Arg(const std::vector<double>& constants) : is(c10::IValue(constants)) {}
  Arg(const std::vector<Number>& numbers);
  Arg(const Refs& terms);
};
using Args = std::vector<Arg>;

class Body {
 public:
  explicit Body(Body* outer = nullptr) : outer_(outer) {}

  Body* outer() const { return outer_; }
  // Names that helpers must not take; claim() gives each to one value.
  void reserve(std::string_view name) { taken_.emplace(name); }
  std::string claim(const std::string& name);

  Ref add_input(Value described, std::array<at::Tensor, 2> seen);
  // A number that is handed to the body: a loop's round.
  Ref add_number_input(std::string name);

  // A call of `op` with that many results, or with a list of that many as its one result. Computed
  // now where all that it takes is known and small; else a node, when finish() is called. `what`
  // names the helper. Throws Error (Fault::model).
  Refs call(std::string_view op, Args args, std::size_t results, const char* what);
  Refs call_list(std::string_view op, Args args, std::size_t results, const char* what);
  // Arithmetic on numbers, as the node python::`op` unless they are known.
  Number arithmetic(std::string_view op, const std::vector<Number>& operands);
  // Our own code in an operator's place.
  Ref kernel(std::string_view op, std::shared_ptr<const Kernel> kernel, Args args,
             const Ref& result);
  Refs block(std::string_view op, Args args, std::vector<std::shared_ptr<const Graph>> bodies,
             const Refs& results);

  // The size along the axis, of a term whose type and shape are known.
  Number size(const Ref& term, std::int64_t axis);
  // The elements of a small tensor as numbers: those of a tensor that is computed are read when the
  // model runs.
  std::vector<Number> numbers(const Ref& term);

  // Adds the nodes of the calls so far, under the names that the terms have been given; others are
  // called `name`/what.
  void finish(const std::string& name, const Origin& origin);

  // The term's value in this body: a constant, a capture of the body around it.
  ValueId id(const Ref& term);
  // Makes it an input now, whether or not it will be used, unless it is known.
  void capture(const Ref& term);
  const Refs& captured() const { return captured_; }

  void add_output(std::string name, const Ref& term);
  std::shared_ptr<const Graph> build() { return std::move(builder_).build(); }

 private:
  struct Pending {
    NodeKind kind;
    std::string op;
    Args args;
    std::vector<Refs> results;
    bool is_list = false;
    std::string what;
    std::vector<std::shared_ptr<const Graph>> bodies = {};
    std::shared_ptr<const Kernel> kernel = {};
  };
  Refs make(std::string_view op, Args args, Refs results, bool is_list, const char* what);
  void add(const Pending& pending, const std::string& name, const Origin& origin);
  Operand operand(const Arg& arg);
  Operand operand(const Number& number);
  ValueId materialised(const Ref& numbers);
  std::string unique(std::string name);

  Body* outer_;
  GraphBuilder builder_;
  std::set<std::string, std::less<>> taken_, claimed_;
  std::unordered_map<Ref, ValueId> ids_;
  Refs captured_;
  std::vector<Pending> pending_;
  std::string name_;  // of the ONNX node whose calls are being added
  Origin origin_;
};

}  // namespace pellucid::from_onnx
