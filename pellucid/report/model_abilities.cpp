// Documents first, text out of the documents.
#include "pellucid/report/model_abilities.h"

#include <algorithm>
#include <set>

#include "pellucid/base/phrases.h"
#include "pellucid/explain/grid.h"
#include "pellucid/explain/obstacle.h"
#include "pellucid/model/layers.h"
#include "pellucid/report/tables.h"

namespace pellucid {
namespace {

std::string word(const Json& value) { return on_one_line(value.get<std::string>()); }

// "12", "3–24": what the blocks have of it; empty: nothing is known.
std::string range_of(const Json& blocks, const char* key) {
  std::set<std::int64_t> numbers;
  for (const Json& block : blocks) {
    if (block.contains(key)) numbers.insert(block[key].get<std::int64_t>());
  }
  if (numbers.empty()) return {};
  const std::string least = std::to_string(*numbers.begin());
  return numbers.size() == 1 ? least : least + "–" + std::to_string(*numbers.rbegin());
}

class Text {
 public:
  Text(const Json& document, Language language) : document_(document), language_(language) {}

  std::string facts() {
    if (document_.contains("operations")) add_effort();
    if (document_.contains("attention")) add_attention(document_["attention"]);
    if (document_.contains("cam_layers")) add_cam_layers(document_["cam_layers"]);
    if (document_.contains("methods")) add_methods(document_["methods"]);
    return table_text(rows_);
  }

  std::string layers() const {
    Table table;
    for (const Json& layer : document_["cam_layers"]["layers"]) {
      table.push_back({word(layer["name"]), to_text(layer["grid"][0], false) + " × " +
                                                to_text(layer["grid"][1], false)});
    }
    return tell("Layers for class activation maps") + "\n" + table_text(table);
  }

 private:
  std::string tell(std::string_view words,
                   std::initializer_list<std::string_view> values = {}) const {
    return say(language_, words, values);
  }

  void add_effort() {
    const Json& operations = document_["operations"];
    std::vector<std::pair<double, std::string>> by_size;
    for (const auto& [kind, count] : operations["by_kind"].items())
      by_size.emplace_back(-count.get<double>(), kind);
    std::ranges::sort(by_size);
    std::string kinds;
    for (const auto& [negative, kind] : by_size) {
      kinds += (kinds.empty() ? "" : ", ") + tell(kind) + " " + flops(-negative);
    }
    const std::string total = flops(operations["per_sample"].get<double>());
    rows_.push_back({tell("operations"),
                     kinds.empty()
                         ? tell("no products to count")
                         : tell("{0} per sample, a multiply-add as 2: {1}", {total, kinds})});
    const Json& memory = document_["memory"];
    rows_.push_back(
        {tell("memory"), tell("{0} per sample, at most {1} with a gradient; the weights beside it",
                              {human_bytes(memory["forward_bytes"].get<double>()),
                               human_bytes(memory["gradient_bytes"].get<double>())})});
  }

  void add_attention(const Json& blocks) {
    if (blocks.empty()) return;
    const std::string heads = range_of(blocks, "heads"), count = std::to_string(blocks.size());
    const std::string tokens = range_of(blocks, "tokens");
    rows_.push_back({tell("attention"),
                     heads.empty()
                         ? tell("blocks {0}, tokens {1}", {count, tokens})
                         : tell("blocks {0}, heads {1}, tokens {2}", {count, heads, tokens})});
  }

  void add_cam_layers(const Json& cam) {
    const std::string count = std::to_string(cam["layers"].size());
    if (cam.contains("default")) {
      rows_.push_back(
          {tell("CAM layers"),
           tell("{0}; by default {1}, {2}", {count, word(cam["default"]["name"]),
                                             rephrased(language_, word(cam["default"]["why"]))})});
    } else {
      rows_.push_back({tell("CAM layers"), cam["layers"].empty()
                                               ? tell("none")
                                               : tell("{0}; none by default", {count})});
    }
  }

  void add_methods(const Json& methods) {
    std::string names;
    for (const Json& method : methods) {
      if (method["applies"].get<bool>())
        names += (names.empty() ? "" : ", ") + word(method["name"]);
    }
    rows_.push_back({tell("methods"), names.empty() ? tell("none") : names});
    // Those that the same thing stands against share a line.
    std::vector<std::pair<const Json*, std::string>> against;
    for (const Json& method : methods) {
      if (method["applies"].get<bool>()) continue;
      const auto known = std::ranges::find_if(against, [&](const auto& one) {
        return one.first->at("reason") == method["reason"] &&
               one.first->at("remedy") == method["remedy"];
      });
      if (known == against.end())
        against.emplace_back(&method, word(method["name"]));
      else
        known->second += ", " + word(method["name"]);
    }
    for (const auto& [first, which] : against) {
      rows_.push_back(
          {"", tell("not {0}: {1}; {2}", {which, rephrased(language_, word(first->at("reason"))),
                                          rephrased(language_, word(first->at("remedy")))})});
    }
  }

  const Json& document_;
  Language language_;
  Table rows_;
};

}  // namespace

Json effort_document(const Effort& effort) {
  Json attention = Json::array();
  for (const AttentionBlock& block : effort.attention) {
    Json entry = {{"layer", block.layer}, {"tokens", block.tokens}};
    if (block.heads > 0) entry["heads"] = block.heads;
    attention.push_back(std::move(entry));
  }
  return {{"operations", {{"per_sample", effort.total()}, {"by_kind", effort.operations}}},
          {"memory",
           {{"forward_bytes", effort.forward_bytes}, {"gradient_bytes", effort.gradient_bytes}}},
          {"attention", std::move(attention)}};
}

Json cam_layers_document(const Model& model) {
  const Graph& graph = *model.graph;
  Json document = {{"layers", Json::array()}};
  for (const Output& output : graph.outputs()) {
    if (!output.operand.is_value()) continue;
    const auto chosen = find_cam_layer(graph, output.operand.value());
    if (!chosen) continue;
    document["default"] = {{"name", layer_name(graph, chosen->value)}, {"why", chosen->why}};
    break;
  }
  for (const SpatialLayer& layer : spatial_layers(graph)) {
    document["layers"].push_back(
        {{"name", layer.name}, {"grid", {layer.grid.height, layer.grid.width}}});
  }
  return document;
}

Json applicable_document(std::span<const Method* const> methods, const Model& model) {
  Json list = Json::array();
  for (const Method* method : methods) {
    const auto obstacle = obstacle_of(*method, model);
    Json entry = {{"name", method->name}, {"applies", !obstacle.has_value()}};
    if (obstacle) {
      entry["reason"] = obstacle->reason;
      entry["remedy"] = obstacle->remedy;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string abilities_text(const Json& document, bool all_layers, Language language) {
  Text text(document, language);
  std::string lines = text.facts();
  if (all_layers && document.contains("cam_layers") && !document["cam_layers"]["layers"].empty())
    lines += "\n" + text.layers();
  return lines;
}

std::string short_count(double count) {
  constexpr const char* units[] = {"", " k", " M", " G", " T", " P"};
  std::size_t unit = 0;
  while (count >= 999.5 && unit + 1 < std::size(units)) {
    count /= 1000;
    ++unit;
  }
  return number(count, 3) + units[unit];
}

std::string flops(double operations) {
  const std::string count = short_count(operations);
  return count + (count.find(' ') == std::string::npos ? " FLOP" : "FLOP");
}

}  // namespace pellucid
