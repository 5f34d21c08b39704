// Attention that torch.nn fuses where no gradient is asked (a trace under no_grad, or of frozen
// weights): these operators have no derivative, so they are read as the operators they are made of.
//   softmax(q·kᵀ / √d)·v of each head, q, k, v = x·Wᵀ + b; then the projection of all heads.
#include <cmath>

#include "pellucid/formats/torchscript/interpreter.h"

namespace pellucid::script {
namespace {

namespace jit = torch::jit;

// Records operators by name, their last operands as the schema's defaults are.
class Writer {
 public:
  Writer(Recorder& recorder, const Origin& origin) : recorder_(recorder), origin_(origin) {}

  Item operator()(const char* name, std::vector<Item> operands, const char* overload = "") {
    const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    const auto& arguments = handle.schema().arguments();
    for (std::size_t i = operands.size(); i < arguments.size(); ++i)
      operands.push_back(item_of(*arguments[i].default_value(), &recorder_.scope()));
    return recorder_.call(handle, operands, origin_).at(0);
  }

  Item sizes(const std::vector<std::int64_t>& values) {
    return item_of(c10::IValue(values), &recorder_.scope());
  }

 private:
  Recorder& recorder_;
  const Origin& origin_;
};

Item number(std::int64_t value) { return c10::IValue(value); }

struct Attention {
  Item x, qkv_weight, qkv_bias, proj_weight, proj_bias, mask, mask_type;
  std::int64_t embed = 0, heads = 0;
  bool weights = false, average = true;
};

// What a mask of truth values leaves out, as the fused operators read it, is what they keep.
Item kept(const Attention& asked, Writer& write) {
  if (is_none(asked.mask)) return asked.mask;
  Item keep = write("aten::logical_not", {asked.mask});
  const c10::IValue* type = literal(asked.mask_type);
  constexpr std::int64_t of_keys = 1;  // [batch, keys]
  if (type == nullptr || !type->isInt() || type->toInt() != of_keys) return keep;
  return write("aten::unsqueeze", {write("aten::unsqueeze", {keep, number(1)}), number(2)});
}

// The result [batch, tokens, embed], and the weights, or None where they are not asked for.
std::vector<Item> attend(const Attention& asked, Writer& write) {
  const std::int64_t size = asked.embed / asked.heads;
  const Item packed = write("aten::linear", {asked.x, asked.qkv_weight, asked.qkv_bias});
  const Item apart =
      write("aten::unflatten", {packed, number(-1), write.sizes({3, asked.heads, size})}, "int");
  const Item by_head = write("aten::permute", {apart, write.sizes({2, 0, 3, 1, 4})});
  const auto part = [&](std::int64_t index) {
    return write("aten::select", {by_head, number(0), number(index)}, "int");
  };
  const Item q = part(0), k = part(1), v = part(2), keep = kept(asked, write);
  Item mixed, weights = c10::IValue();
  if (asked.weights) {
    const Item scaled =
        write("aten::mul", {q, c10::IValue(1 / std::sqrt(static_cast<double>(size)))}, "Scalar");
    Item scores = write("aten::matmul",
                        {scaled, write("aten::transpose", {k, number(-2), number(-1)}, "int")});
    if (!is_none(keep))
      scores =
          write("aten::masked_fill",
                {scores, write("aten::logical_not", {keep}), c10::IValue(-INFINITY)}, "Scalar");
    weights = write("aten::softmax", {scores, number(-1)}, "int");
    mixed = write("aten::matmul", {weights, v});
    if (asked.average) weights = write("aten::mean", {weights, write.sizes({1})}, "dim");
  } else {
    mixed = write("aten::scaled_dot_product_attention", {q, k, v, keep});
  }
  const Item together = write("aten::transpose", {mixed, number(1), number(2)}, "int");
  const Item flat = write("aten::flatten", {together, number(2), number(3)}, "using_ints");
  return {write("aten::linear", {flat, asked.proj_weight, asked.proj_bias}), weights};
}

bool same(const Item& a, const Item& b) {
  const Symbol *one = symbol(a), *other = symbol(b);
  return one != nullptr && other != nullptr && one->scope == other->scope && one->id == other->id;
}

bool has_rank(const Item& item, std::int64_t rank) {
  const Symbol* known = symbol(item);
  return known != nullptr && known->is_tensor && known->examples[0].isTensor() &&
         known->examples[0].toTensor().defined() && !known->examples[0].toTensor().is_nested() &&
         known->examples[0].toTensor().dim() == rank;
}

std::int64_t whole(const Item& item) {
  const c10::IValue* value = literal(item);
  return value != nullptr && value->isInt() ? value->toInt() : 0;
}

bool flag(const Item& item) {
  const c10::IValue* value = literal(item);
  return value != nullptr && value->isBool() && value->toBool();
}

std::optional<std::vector<Item>> attention(const std::vector<Item>& in, Writer& write) {
  if (in.size() != 13 || !has_rank(in[0], 3) || !same(in[0], in[1]) || !same(in[0], in[2]) ||
      whole(in[4]) < 1)
    return std::nullopt;
  return attend({.x = in[0],
                 .qkv_weight = in[5],
                 .qkv_bias = in[6],
                 .proj_weight = in[7],
                 .proj_bias = in[8],
                 .mask = in[9],
                 .mask_type = in[12],
                 .embed = whole(in[3]),
                 .heads = whole(in[4]),
                 .weights = flag(in[10]),
                 .average = flag(in[11])},
                write);
}

std::optional<std::vector<Item>> encoder_layer(const std::vector<Item>& in, Writer& write) {
  if (in.size() != 20 || !has_rank(in[0], 3) || whole(in[2]) < 1) return std::nullopt;
  const bool gelu = flag(in[7]), norm_first = flag(in[8]);
  const auto norm = [&](const Item& x, std::size_t at) {
    return write("aten::layer_norm", {x, write.sizes({whole(in[1])}), in[at], in[at + 1], in[9]});
  };
  const auto attended = [&](const Item& x) {
    return attend({.x = x,
                   .qkv_weight = in[3],
                   .qkv_bias = in[4],
                   .proj_weight = in[5],
                   .proj_bias = in[6],
                   .mask = in[18],
                   .mask_type = in[19],
                   .embed = whole(in[1]),
                   .heads = whole(in[2])},
                  write)[0];
  };
  const auto fed_forward = [&](const Item& x) {
    const Item wide = write("aten::linear", {x, in[14], in[15]});
    return write("aten::linear",
                 {write(gelu ? "aten::gelu" : "aten::relu", {wide}), in[16], in[17]});
  };
  const auto sum = [&](const Item& a, const Item& b) {
    return write("aten::add", {a, b}, "Tensor");
  };
  if (norm_first) {
    const Item x = sum(in[0], attended(norm(in[0], 10)));
    return std::vector{sum(x, fed_forward(norm(x, 12)))};
  }
  const Item x = norm(sum(in[0], attended(in[0])), 10);
  return std::vector{norm(sum(x, fed_forward(x)), 12)};
}

}  // namespace

std::optional<std::vector<Item>> fused_call(const jit::Node& node, const std::vector<Item>& inputs,
                                            Recorder& recorder, const Origin& origin) {
  Writer write(recorder, origin);
  const std::string_view name = node.kind().toQualString();
  if (name == "aten::_native_multi_head_attention") return attention(inputs, write);
  if (name == "aten::_transformer_encoder_layer_fwd") return encoder_layer(inputs, write);
  return std::nullopt;
}

}  // namespace pellucid::script
