// Many inputs: a few are prepared at a time, each by a thread, and samples of equal shapes go
// through the model together.
#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>

#include "pellucid/operation/prepared_input.h"

namespace pellucid {
namespace {

bool alike(const PreparedInput& a, const PreparedInput& b) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    if (a.tensors[i].data.sizes().slice(1) != b.tensors[i].data.sizes().slice(1)) return false;
  }
  return true;
}

// Inputs whose leading axis is no batch (a scalar, say) can't be joined.
bool joinable(const PreparedInput& input) {
  return std::ranges::all_of(input.tensors,
                             [](const NamedTensor& tensor) { return tensor.data.dim() > 0; });
}

// Large photos wait for their batch in memory: that many bytes of them are enough.
constexpr std::size_t most_bytes = std::size_t{256} << 20;

std::size_t bytes_of(const PreparedInput& input) {
  std::size_t bytes = 0;
  for (const NamedTensor& tensor : input.tensors) bytes += tensor.data.nbytes();
  for (const Photo& photo : input.photos)
    bytes += photo.picture.pixels.nbytes() + photo.shown.pixels.nbytes();
  return bytes;
}

// Decoding a picture takes one thread; more at once than these would only take memory.
constexpr std::size_t most_at_once = 4;

// An input, or why there is none.
struct Outcome {
  std::optional<PreparedInput> input;
  std::exception_ptr failure;

  PreparedInput take() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*input);
  }
};

std::vector<Outcome> prepare_all(std::span<const InputGroup> groups, const Model& model,
                                 const InputSettings& settings) {
  std::vector<Outcome> outcomes(groups.size());
  at::parallel_for(
      0, static_cast<std::int64_t>(groups.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          try {
            outcomes[i].input = prepare_input(groups[i], model, settings);
          } catch (...) {
            outcomes[i].failure = std::current_exception();
          }
        }
      });
  return outcomes;
}

}  // namespace

std::vector<at::Tensor> stack(std::span<const PreparedInput> batch, at::Device device) {
  std::vector<at::Tensor> joined;
  for (std::size_t i = 0; i < batch.front().tensors.size(); ++i) {
    std::vector<at::Tensor> parts;
    for (const PreparedInput& input : batch) parts.push_back(input.tensors[i].data);
    joined.push_back((parts.size() == 1 ? parts.front() : at::cat(parts)).to(device));
  }
  return joined;
}

void for_each_batch(const Request& request, const Surroundings& surroundings,
                    const InputSettings& settings, std::int64_t most, std::string_view stage,
                    Answer& answer, const UseBatch& use) {
  const Model& model = surroundings.model->model();
  const std::vector<InputGroup> groups = group_inputs(request.inputs, model);
  const auto check = [&] {
    if (surroundings.cancellation != nullptr) surroundings.cancellation->check();
  };
  std::int64_t done = 0;
  const auto tell = [&] {
    if (surroundings.progress)
      surroundings.progress({stage, done, static_cast<std::int64_t>(groups.size())});
  };
  std::size_t failed = 0;
  const auto fail = [&](const std::string& name, Error error) {
    ++failed;
    if (error.fault() == Fault::cancelled || error.fault() == Fault::storage) throw error;
    answer.failures.push_back({name, std::move(error)});
  };
  std::vector<PreparedInput> batch;
  const auto run = [&] {
    if (batch.empty()) return;
    try {
      use(batch);
    } catch (const Error& error) {
      if (batch.size() == 1) {
        fail(batch.front().name, error);
      } else {
        if (error.fault() == Fault::cancelled || error.fault() == Fault::storage) throw;
        for (PreparedInput& input : batch) {
          check();
          try {
            use(std::span(&input, 1));
          } catch (const Error& own) {
            fail(input.name, own);
          }
        }
      }
    }
    done += static_cast<std::int64_t>(batch.size());
    batch.clear();
    tell();
  };
  tell();
  std::int64_t samples = 0;
  std::size_t bytes = 0;
  const auto add = [&](PreparedInput&& input) {
    const std::size_t own_bytes = bytes_of(input);
    const bool joins = !batch.empty() && bytes + own_bytes <= most_bytes && joinable(input) &&
                       samples + input.samples() <= most && alike(input, batch.front());
    if (!joins) {
      run();
      samples = 0;
      bytes = 0;
    }
    bytes += own_bytes;
    samples += joinable(input) ? input.samples() : most;
    batch.push_back(std::move(input));
  };
  const std::size_t at_once =
      std::min(most_at_once, static_cast<std::size_t>(at::get_num_threads()));
  for (std::size_t first = 0; first < groups.size(); first += at_once) {
    check();
    const auto some = std::span(groups).subspan(first, std::min(at_once, groups.size() - first));
    std::vector<Outcome> outcomes = prepare_all(some, model, settings);
    for (std::size_t i = 0; i < some.size(); ++i) {
      try {
        add(outcomes[i].take());
      } catch (const Error& error) {
        fail(some[i].front()->name, error);
        ++done;
      }
    }
  }
  run();
  answer.nothing_done = !groups.empty() && failed == groups.size();
}

}  // namespace pellucid
