// Stretches follow each other in the order of the nodes, so that arrows only go down; sizes and
// other numbers that are no tensors are no data.
#include "pellucid/report/module_diagram.h"

#include <algorithm>
#include <set>

#include "pellucid/explain/grid.h"
#include "pellucid/render/diagram_layout.h"
#include "pellucid/report/model_abilities.h"
#include "pellucid/run/lift_batch.h"

namespace pellucid {
namespace {

constexpr std::size_t easy_rows = 36, easy_boxes = 90, easy_lanes = 9;

// The first `depth` parts of the path.
std::string collapsed(const std::string& path, int depth) {
  std::size_t end = path.find('.');
  for (int i = 1; i < depth && end != std::string::npos; ++i) end = path.find('.', end + 1);
  return path.substr(0, end);
}

int depth_of(const std::string& path) {
  return path.empty() ? 0 : 1 + static_cast<int>(std::ranges::count(path, '.'));
}

// "aten::_softmax.default" → "softmax"
std::string short_operator(const Node& node) {
  const std::size_t colons = node.op.find("::");
  const std::size_t from = colons == std::string::npos ? 0 : colons + 2;
  std::string name = node.op.substr(from, node.op.find('.', from) - from);
  while (name.starts_with('_')) name.erase(0, 1);
  return name;
}

std::string last_part(std::string_view qualified) {
  return std::string(qualified.substr(qualified.rfind('.') + 1));
}

template <class T>
void add_new(std::vector<T>& list, const T& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

// What became one box.
struct Stretch {
  std::vector<std::string> paths;  // of modules; an empty one: of none
  std::string module_class;
  bool of_torch = false;  // the class: what it does is known
  std::vector<std::string> operators;
  double weights = 0, operations = 0;
  ValueId leaves = no_value;  // the last value that is used outside
  bool convolves = false, attends = false, multiplies = false;
};

void join(Stretch& whole, const Stretch& part) {
  for (const std::string& path : part.paths) add_new(whole.paths, path);
  for (const std::string& name : part.operators) add_new(whole.operators, name);
  if (whole.module_class != part.module_class) whole.module_class.clear();
  whole.weights += part.weights;
  whole.operations += part.operations;
  whole.leaves = std::max(whole.leaves, part.leaves);
  whole.convolves = whole.convolves || part.convolves;
  whole.attends = whole.attends || part.attends;
  whole.multiplies = whole.multiplies || part.multiplies;
}

class Collapsing {
 public:
  Collapsing(const Model& model, const Effort& effort, Language language)
      : model_(model), graph_(*model.graph), effort_(effort), language_(language) {
    attends_.assign(graph_.nodes().size(), false);
    for (const int n : attention_nodes(graph_)) attends_[static_cast<std::size_t>(n)] = true;
    if (!declared_batch(graph_).shared || effort.sizes.empty()) return;
    const auto& first = effort.sizes[static_cast<std::size_t>(graph_.inputs()[0])];
    if (!first.empty()) batch_ = first[0];
  }

  Diagram at(int depth) {
    find_stretches(depth);
    return diagram();
  }

  // Neighbours share boxes, so that there are no more than `most`.
  Diagram shared(std::size_t most) {
    const std::size_t each = (stretches_.size() + most - 1) / most;
    std::vector<Stretch> fewer;
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
      if (i % each == 0)
        fewer.push_back(std::move(stretches_[i]));
      else
        join(fewer.back(), stretches_[i]);
    }
    stretches_ = std::move(fewer);
    for (int& stretch : stretch_of_)
      if (stretch >= 0) stretch /= static_cast<int>(each);
    return diagram();
  }

  int deepest() const {
    int deepest = 1;
    for (const Node& node : graph_.nodes())
      deepest = std::max(deepest, depth_of(node.origin.module_path));
    return deepest;
  }

 private:
  void find_stretches(int depth) {
    stretches_.clear();
    stretch_of_.assign(graph_.nodes().size(), -1);
    std::set<const void*> counted;
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.nodes()[n];
      bool tensor = false;
      for_each_result(node, [&](ValueId id) { tensor = tensor || graph_.value(id).is_tensor; });
      if (!tensor) continue;
      const std::string path = collapsed(node.origin.module_path, depth);
      if (stretches_.empty() || stretches_.back().paths[0] != path)
        stretches_.emplace_back().paths = {path};
      stretch_of_[n] = static_cast<int>(stretches_.size()) - 1;
      add(stretches_.back(), n);
      for_each_operand_value(node, [&](ValueId id) {
        const Constant* constant = graph_.constant(id);
        if (constant != nullptr && counted.insert(constant->data.const_data_ptr()).second)
          stretches_.back().weights += static_cast<double>(constant->data.numel());
      });
    }
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      if (stretch_of_[n] < 0) continue;
      for_each_result(graph_.nodes()[n], [&](ValueId id) {
        bool outside = graph_.is_output(id);
        for (const int user : graph_.users(id))
          outside = outside || stretch_of_[static_cast<std::size_t>(user)] != stretch_of_[n];
        if (outside && graph_.value(id).is_tensor)
          stretches_[static_cast<std::size_t>(stretch_of_[n])].leaves = id;
      });
    }
  }

  void add(Stretch& stretch, std::size_t n) const {
    const Node& node = graph_.nodes()[n];
    if (stretch.paths[0] == node.origin.module_path && stretch.module_class.empty()) {
      stretch.module_class = last_part(node.origin.module_class);
      stretch.of_torch = node.origin.module_class.starts_with("torch.nn.");
    }
    const std::string name = short_operator(node);
    add_new(stretch.operators, name);
    if (n < effort_.of_node.size()) stretch.operations += effort_.of_node[n];
    stretch.attends = stretch.attends || attends_[n];
    stretch.convolves = stretch.convolves || name.starts_with("conv");
    stretch.multiplies = stretch.multiplies || name == "linear" || name == "addmm" || name == "mm";
  }

  Diagram diagram() const {
    Diagram made;
    made.language = language_;
    made.title = model_.metadata.name;
    std::vector<std::size_t> box_of(graph_.values().size(), none);
    for (const ValueId id : graph_.inputs()) {
      box_of[static_cast<std::size_t>(id)] = made.boxes.size();
      made.boxes.push_back(end_box(say(language_, "input"), graph_.value(id).name, id));
    }
    const std::size_t first = made.boxes.size();
    for (const Stretch& stretch : stretches_) made.boxes.push_back(box(stretch));
    std::set<std::pair<std::size_t, std::size_t>> arrows;
    const auto lead = [&](ValueId id, std::size_t to) {
      const std::size_t from = box_of[static_cast<std::size_t>(id)];
      if (from != none && from != to) arrows.insert({from, to});
    };
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      if (stretch_of_[n] < 0) continue;
      const std::size_t own = first + static_cast<std::size_t>(stretch_of_[n]);
      for_each_operand_value(graph_.nodes()[n], [&](ValueId id) { lead(id, own); });
      for_each_result(graph_.nodes()[n],
                      [&](ValueId id) { box_of[static_cast<std::size_t>(id)] = own; });
    }
    for (const Output& output : graph_.outputs()) {
      if (!output.operand.is_value()) continue;
      lead(output.operand.value(), made.boxes.size());
      made.boxes.push_back(end_box(say(language_, "output"), output.name, output.operand.value()));
    }
    for (const auto& [from, to] : arrows) made.arrows.push_back({from, to});
    return made;
  }

  Diagram::Box end_box(const std::string& kind, const std::string& name, ValueId id) const {
    Diagram::Box box;
    box.title = name.empty() ? kind : kind + " " + name;
    box.shape = shape(id);
    box.role = Diagram::Role::end;
    return box;
  }

  Diagram::Box box(const Stretch& stretch) const {
    Diagram::Box box;
    const std::string operators = join_words(stretch.operators);
    if (stretch.paths.size() > 1) {
      box.title = stretch.paths.front() + " … " + stretch.paths.back();
      box.detail = operators;
    } else if (stretch.paths[0].empty()) {
      box.title = operators;
    } else {
      box.title = stretch.paths[0];
      const bool said = stretch.of_torch && stretch.operators.size() == 1;
      box.detail = said                           ? stretch.module_class
                   : stretch.module_class.empty() ? operators
                                                  : stretch.module_class + ": " + operators;
    }
    box.shape = shape(stretch.leaves);
    if (stretch.weights > 0)
      box.size = say(language_, "{0} weights", {short_count(stretch.weights)});
    if (stretch.operations > 0) box.work = flops(stretch.operations);
    box.role = stretch.attends      ? Diagram::Role::attention
               : stretch.convolves  ? Diagram::Role::convolution
               : stretch.multiplies ? Diagram::Role::linear
                                    : Diagram::Role::other;
    return box;
  }

  static std::string join_words(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
  }

  // "64 × 56 × 56", without the batch.
  std::string shape(ValueId id) const {
    if (id == no_value) return {};
    std::vector<std::string> sizes;
    if (!effort_.sizes.empty()) {
      for (const std::int64_t size : effort_.sizes[static_cast<std::size_t>(id)])
        sizes.push_back(std::to_string(size));
    } else {
      for (const auto& size : graph_.value(id).shape)
        sizes.push_back(size ? std::to_string(*size) : "?");
    }
    if (sizes.size() > 1 && (sizes[0] == "?" || sizes[0] == std::to_string(batch_)))
      sizes.erase(sizes.begin());
    std::string text;
    for (const std::string& size : sizes) text += (text.empty() ? "" : " × ") + size;
    return text;
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  const Model& model_;
  const Graph& graph_;
  const Effort& effort_;
  Language language_;
  std::int64_t batch_ = -1;
  std::vector<bool> attends_;  // by node
  std::vector<Stretch> stretches_;
  std::vector<int> stretch_of_;  // by node; −1: no data
};

bool is_easy(const Diagram& diagram) {
  if (diagram.boxes.size() > easy_boxes) return false;
  const DiagramLayout layout = layout_of(diagram);
  return layout.rows.size() <= easy_rows && layout.lane_count <= easy_lanes;
}

}  // namespace

Diagram module_diagram(const Model& model, const Effort& effort, int depth, Language language) {
  Collapsing collapsing(model, effort, language);
  Diagram diagram = collapsing.at(std::max(depth, 1));
  int shown = std::max(depth, 1);
  if (depth == 0) {
    if (!is_easy(diagram)) {
      diagram = collapsing.shared(easy_rows);
    } else {
      const int deepest = collapsing.deepest();
      for (int next = 2; next <= deepest; ++next) {
        Diagram deeper = collapsing.at(next);
        if (!is_easy(deeper)) break;
        diagram = std::move(deeper);
        shown = next;
      }
    }
  }
  diagram.subtitle =
      say(language, "{0} parameters", {short_count(static_cast<double>(model.parameters))});
  if (!effort.operations.empty()) {
    diagram.subtitle += ", " + say(language, "{0} per sample", {flops(effort.total())});
  }
  diagram.subtitle += ", " + say(language, "modules to depth {0}", {std::to_string(shown)});
  diagram.notes = {say(language, "shapes are those of one sample")};
  return diagram;
}

}  // namespace pellucid
