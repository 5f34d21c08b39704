#include "pellucid/run/preferred_runner.h"

#include <algorithm>

#include "pellucid/graph/aliases.h"

namespace pellucid {

PreferredRunner::PreferredRunner(std::shared_ptr<const Runner> plain,
                                 std::shared_ptr<const Runner> quick)
    : plain_(std::move(plain)), quick_(std::move(quick)) {
  here_.resize(quick_->graph().values().size(), no_value);
  for (const Value& value : plain_->graph().values()) {
    there_.push_back(quick_->graph().find(value.name));
    if (there_.back() != no_value) {
      here_[static_cast<std::size_t>(there_.back())] = static_cast<ValueId>(there_.size() - 1);
    }
  }
  // What is handed over is a value as it was made; a later write into its storage would be lost.
  const Aliases aliases(plain_->graph());
  for (std::size_t id = 0; id < there_.size(); ++id)
    can_share_ = can_share_ && !aliases.mutated(static_cast<ValueId>(id));
}

// The values asked for that `quick` lacks, all that is made of them, and what they are made of as
// far as `quick` lacks that.
PreferredRunner::Share PreferredRunner::share(std::span<const Feed> feeds,
                                              std::span<const ValueId> asked) const {
  const Graph& graph = plain_->graph();
  const std::size_t count = graph.values().size();
  Share share{std::vector<bool>(count, false), {}};
  std::vector<bool> fed(count, false), seen(count, false);
  for (const Feed& feed : feeds) fed[static_cast<std::size_t>(feed.value)] = true;
  const auto is_made = [&](ValueId id) {
    return !fed[static_cast<std::size_t>(id)] && graph.producer(id) >= 0;
  };
  const auto maker = [&](ValueId id) -> const Node& {
    return graph.nodes()[static_cast<std::size_t>(graph.producer(id))];
  };

  std::vector<ValueId> open;
  const auto take = [&](ValueId id) {
    if (!is_made(id) || share.plain[static_cast<std::size_t>(id)]) return;
    share.plain[static_cast<std::size_t>(id)] = true;
    open.push_back(id);
  };
  for (const ValueId id : asked) {
    if (there(id) != no_value) continue;
    take(id);
    share.plain[static_cast<std::size_t>(id)] = true;  // a constant, too
  }
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    for_each_result(maker(id), take);
    for_each_operand_value(maker(id), [&](ValueId operand) {
      if (there(operand) == no_value) take(operand);
    });
    for (const int user : graph.users(id))
      for_each_result(graph.nodes()[static_cast<std::size_t>(user)], take);
  }

  // Of these the run needs what the values asked for are made of.
  const auto need = [&](ValueId id) {
    if (!is_made(id) || seen[static_cast<std::size_t>(id)]) return;
    seen[static_cast<std::size_t>(id)] = true;
    if (share.plain[static_cast<std::size_t>(id)])
      open.push_back(id);
    else
      share.handed.push_back(id);
  };
  for (const ValueId id : asked) {
    if (share.plain[static_cast<std::size_t>(id)]) need(id);
  }
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    for_each_operand_value(maker(id), need);
  }
  return share;
}

std::vector<c10::IValue> PreferredRunner::run(std::span<const Feed> feeds,
                                              std::span<const ValueId> wanted,
                                              const RunSettings& settings) const {
  const Observer* given = settings.observer;
  const auto is_missing = [&](ValueId id) { return there(id) == no_value; };
  // Who wants to see everything wants to see what the rewrite left out.
  if ((given != nullptr && given->values.empty()) ||
      std::ranges::any_of(feeds, is_missing, &Feed::value))
    return plain_->run(feeds, wanted, settings);
  std::vector<ValueId> asked(wanted.begin(), wanted.end());
  if (given != nullptr) asked.insert(asked.end(), given->values.begin(), given->values.end());
  Share share{std::vector<bool>(there_.size(), false), {}};
  if (std::ranges::any_of(asked, is_missing)) {
    // A run in segments keeps little; what is handed over would be kept.
    if (can_share_ && settings.segments == 1) share = this->share(feeds, asked);
    if (share.handed.empty()) return plain_->run(feeds, wanted, settings);
  }
  const auto is_plain = [&](ValueId id) { return share.plain[static_cast<std::size_t>(id)]; };

  std::vector<Feed> quick_feeds;
  for (const Feed& feed : feeds) quick_feeds.push_back({there(feed.value), feed.data});
  std::vector<ValueId> quick_wanted;
  for (const ValueId id : share.handed) quick_wanted.push_back(there(id));
  for (const ValueId id : wanted) {
    if (!is_plain(id)) quick_wanted.push_back(there(id));
  }
  Observer quick_observer, plain_observer;
  RunSettings quick_settings = settings, plain_settings = settings;
  if (given != nullptr) {
    for (const ValueId id : given->values) {
      if (is_plain(id))
        plain_observer.values.push_back(id);
      else
        quick_observer.values.push_back(there(id));
    }
    plain_observer.see = given->see;
    quick_observer.see = [&](ValueId id, const at::Tensor& tensor) {
      return given->see(here_[static_cast<std::size_t>(id)], tensor);
    };
    // Without values it would see everything.
    quick_settings.observer = quick_observer.values.empty() ? nullptr : &quick_observer;
    plain_settings.observer = plain_observer.values.empty() ? nullptr : &plain_observer;
  }
  std::vector<c10::IValue> quick = quick_->run(quick_feeds, quick_wanted, quick_settings);
  if (share.handed.empty()) return quick;

  std::vector<Feed> plain_feeds(feeds.begin(), feeds.end());
  for (std::size_t i = 0; i < share.handed.size(); ++i) {
    // The plain graph's views may not take the rewrite's strides.
    c10::IValue& value = quick[i];
    plain_feeds.push_back({share.handed[i], value.isTensor() && value.toTensor().defined()
                                                ? c10::IValue(value.toTensor().contiguous())
                                                : std::move(value)});
  }
  std::vector<ValueId> plain_wanted;
  std::ranges::copy_if(wanted, std::back_inserter(plain_wanted), is_plain);
  const std::vector<c10::IValue> rest = plain_->run(plain_feeds, plain_wanted, plain_settings);
  std::vector<c10::IValue> answers;
  std::size_t next_quick = share.handed.size(), next_plain = 0;
  for (const ValueId id : wanted)
    answers.push_back(is_plain(id) ? rest[next_plain++] : quick[next_quick++]);
  return answers;
}

}  // namespace pellucid
