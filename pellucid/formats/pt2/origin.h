// Where a node comes from, out of the texts that torch keeps with it.
#pragma once

#include <string>
#include <string_view>

#include "pellucid/graph/graph.h"

namespace pellucid::pt2 {

// `module_stack` is nn_module_stack ("key,path,class;..."), `stack_trace` Python's frames,
// outermost first; either may be empty or malformed, which gives empty fields. The later uses of a
// module keep torch's mark: "relu@1".
Origin origin_of(std::string_view module_stack, std::string_view stack_trace);

// "L['self'].layer1[0].conv" and "getattr(L['self'].layer1, '0').conv" as Python's named_modules()
// writes them.
std::string module_path(std::string_view spelled);

// "torchvision/models/resnet.py" of an absolute path of any machine.
std::string source_file(std::string_view path);

}  // namespace pellucid::pt2
