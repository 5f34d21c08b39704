// A function together with what it works on, as a constexpr value: what an entry of a table calls.
// A plain function alone is a constant (std::function is none in C++20); an entry made while the
// program runs brings its state, which it does not own.
#pragma once

#include <cstddef>
#include <utility>

namespace pellucid {

template <class Signature>
class Bound;

template <class Result, class... Arguments>
class Bound<Result(Arguments...)> {
 public:
  using Plain = Result (*)(Arguments...);
  using WithState = Result (*)(const void* state, Arguments...);

  constexpr Bound() = default;
  constexpr Bound(std::nullptr_t) {}
  constexpr Bound(Plain function) : plain_(function) {}
  // `state` must live as long as anybody calls; whoever makes the entry sees to that.
  constexpr Bound(WithState function, const void* state) : with_state_(function), state_(state) {}

  constexpr explicit operator bool() const { return plain_ != nullptr || with_state_ != nullptr; }

  Result operator()(Arguments... arguments) const {
    if (plain_ != nullptr) return plain_(std::forward<Arguments>(arguments)...);
    return with_state_(state_, std::forward<Arguments>(arguments)...);
  }

 private:
  Plain plain_ = nullptr;
  WithState with_state_ = nullptr;
  const void* state_ = nullptr;
};

}  // namespace pellucid
