// NumPy's .npy files: arrays in, maps out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pellucid {

inline constexpr std::string_view npy_media_type = "application/x-npy";

// True when the bytes begin as an .npy file does.
bool is_npy(std::span<const std::byte> bytes);

// Versions 1 to 3; little-endian f2 f4 f8 i1 i2 i4 i8 u1 and b1; C or Fortran order (returned
// contiguous in C order). No pickled objects. Throws Error (Fault::input) naming `name`: not an
// .npy, another type, or a header whose shape does not fit the bytes (checked before anything is
// allocated).
at::Tensor read_npy(std::span<const std::byte> bytes, std::string_view name);

// A version 1 file in C order, to the byte what numpy.save writes. Dtypes as above, bfloat16 is
// written as float32. Throws Error (Fault::internal) for others.
std::vector<std::byte> write_npy(const at::Tensor& tensor);

// The same file in two parts, for whoever wants no copy: what stands before the values, and the
// values (the tensor itself where it is contiguous and its type needs no change).
struct NpyParts {
  std::string start;
  at::Tensor values;
};
NpyParts npy_parts(const at::Tensor& tensor);

}  // namespace pellucid
