#include "pellucid/run/preferred_runner.h"

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
}

std::vector<c10::IValue> PreferredRunner::run(std::span<const Feed> feeds,
                                              std::span<const ValueId> wanted,
                                              const RunSettings& settings) const {
  bool all_there = true;
  const auto find = [&](ValueId id) {
    const ValueId found = there_[static_cast<std::size_t>(id)];
    all_there = all_there && found != no_value;
    return found;
  };
  std::vector<Feed> quick_feeds;
  for (const Feed& feed : feeds) quick_feeds.push_back({find(feed.value), feed.data});
  std::vector<ValueId> quick_wanted;
  for (const ValueId id : wanted) quick_wanted.push_back(find(id));
  Observer observer;
  RunSettings quick_settings = settings;
  if (settings.observer != nullptr) {
    for (const ValueId id : settings.observer->values) observer.values.push_back(find(id));
    // Who wants to see everything wants to see what the rewrite left out.
    all_there = all_there && !settings.observer->values.empty();
    observer.see = [&](ValueId id, const at::Tensor& tensor) {
      return settings.observer->see(here_[static_cast<std::size_t>(id)], tensor);
    };
    quick_settings.observer = &observer;
  }
  if (!all_there) return plain_->run(feeds, wanted, settings);
  return quick_->run(quick_feeds, quick_wanted, quick_settings);
}

}  // namespace pellucid
