// One ONNX node while it is translated: its operands, its attributes, and the calls it becomes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pellucid/base/error.h"
#include "pellucid/formats/onnx/body.h"
#include "pellucid/formats/onnx/records.h"

namespace pellucid::from_onnx {

class Program;

// Names in force where a node stands.
struct Scope {
  const Scope* around = nullptr;  // of the graph that holds this one
  std::map<std::string_view, Ref> names;
  // Attributes that the call of the function around gives; nullptr: there is no function.
  const std::map<std::string_view, const AttributeRecord*>* attributes = nullptr;
  const Opsets* opsets = nullptr;
  std::string prefix;  // of the names of what is inlined
  std::string module;  // of a node whose name tells none
  int depth = 0;       // of functions and graphs within each other

  // nullptr: there is none.
  Ref find(std::string_view name) const;
};

class Call {
 public:
  Call(Program& of, Body& into, Scope& names, const NodeRecord& record, Refs inputs,
       std::int64_t version)
      : program(of),
        body(into),
        scope(names),
        node(record),
        opset(version),
        inputs_(std::move(inputs)) {}

  Program& program;
  Body& body;
  Scope& scope;
  const NodeRecord& node;
  const std::int64_t opset;  // of the node's domain

  std::size_t count() const { return inputs_.size(); }
  const Refs& inputs() const { return inputs_; }
  // Throws Error when it is left out.
  Ref in(std::size_t i) const;
  Ref maybe(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  // How many results the node names, up to the last that is named.
  std::size_t results() const;
  bool wants(std::size_t i) const { return i < node.outputs.size() && !node.outputs[i].empty(); }

  // Attributes; those that a function's caller gives are looked up there. Throw Error when the
  // attribute is of another kind.
  const AttributeRecord* attribute(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  double real(std::string_view name, double fallback) const;
  std::string text(std::string_view name, std::string_view fallback) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::vector<double> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  const GraphRecord& graph(std::string_view name) const;

  // Calls of ATen's operators.
  Ref aten(std::string_view op, Args args, const char* what = "part");
  Refs many(std::string_view op, Args args, std::size_t results, const char* what = "part");
  Refs list(std::string_view op, Args args, std::size_t results, const char* what = "part");

  at::ScalarType dtype(const Ref& term) const { return dtype_of(term); }
  bool is_real(const Ref& term) const { return c10::isFloatingType(dtype_of(term)); }
  std::int64_t rank(const Ref& term) const { return rank_of(term); }
  std::vector<std::int64_t> all_axes(const Ref& term) const;
  Number size(const Ref& term, std::int64_t axis) { return body.size(term, axis); }
  std::vector<Number> sizes(const Ref& term);
  // The axis from the front. Throws Error when the term has no such axis.
  std::int64_t axis(std::int64_t given, std::int64_t rank) const;
  std::vector<std::int64_t> axes(std::vector<std::int64_t> given, std::int64_t rank) const;

  // Whole numbers that must be known while reading.
  std::vector<std::int64_t> constants(const Ref& term, const char* what) const;
  double constant(const Ref& term, const char* what) const;
  // Those of an input, or of an attribute in older opsets; nullopt: neither is there.
  std::optional<std::vector<std::int64_t>> constants(std::size_t input,
                                                     const char* attribute) const;

  // Shorthand for what nearly every table needs.
  Ref cast(const Ref& term, at::ScalarType type);
  Ref add(const Ref& a, Arg b) { return aten("aten::add.Tensor", {a, std::move(b)}); }
  Ref sub(const Ref& a, Arg b) { return aten("aten::sub.Tensor", {a, std::move(b)}); }
  Ref mul(const Ref& a, Arg b) { return aten("aten::mul.Tensor", {a, std::move(b)}); }
  Ref div(const Ref& a, Arg b) { return aten("aten::div.Tensor", {a, std::move(b)}); }
  Ref reshape(const Ref& a, Arg sizes) { return aten("aten::reshape", {a, std::move(sizes)}); }
  // One dimension of `rank` at `axis` in place of a term's only one: a bias of channels.
  Ref along(const Ref& vector, std::int64_t axis, std::int64_t rank);

  Error refuse(const std::string& why) const;

 private:
  Refs inputs_;
};

// One operator of ONNX.
struct Operator {
  std::string_view name;
  Refs (*translate)(Call& call);
};
// nullptr: there is none of that name.
const Operator* find_operator(std::string_view domain, std::string_view name);

}  // namespace pellucid::from_onnx
