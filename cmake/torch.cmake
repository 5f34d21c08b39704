# LibTorch as the target pellucid_torch. Its own TorchConfig.cmake is not used: the CUDA build's one fails on a machine
# without the CUDA toolkit, and all of them put more on the link line than the program needs at each start.
# PELLUCID_TORCH names a folder with include/ and lib/ (the wheel's torch/ or an unpacked LibTorch).
set(PELLUCID_TORCH "" CACHE PATH "LibTorch: a folder with include/ and lib/")
if(NOT PELLUCID_TORCH)
  foreach(prefix IN LISTS CMAKE_PREFIX_PATH)
    foreach(folder ${prefix} ${prefix}/../..)
      if(EXISTS ${folder}/include/ATen/core/Tensor.h)
        get_filename_component(folder ${folder} ABSOLUTE)
        set_property(CACHE PELLUCID_TORCH PROPERTY VALUE ${folder})
        break()
      endif()
    endforeach()
  endforeach()
endif()
# A Python module is for the torch of that Python. -I: pip builds in an environment of its own, whose Python finds
# the installed torch only so; a second torch is never fetched.
if(NOT PELLUCID_TORCH AND PELLUCID_PYTHON)
  find_package(Python REQUIRED COMPONENTS Interpreter)
  execute_process(COMMAND ${Python_EXECUTABLE} -I -c
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE)
  set_property(CACHE PELLUCID_TORCH PROPERTY VALUE "${folder}")
  if(SKBUILD AND NOT folder)
    message(FATAL_ERROR "torch is not installed for ${Python_EXECUTABLE}: `pip install torch` first; the engine is "
      "built for the torch that is there, and fetches none")
  endif()
endif()
foreach(file include/ATen/core/Tensor.h include/torch/headeronly/version.h lib/libtorch_cpu.so lib/libc10.so)
  if(NOT EXISTS ${PELLUCID_TORCH}/${file})
    message(FATAL_ERROR "No LibTorch 2.9 or newer in PELLUCID_TORCH=\"${PELLUCID_TORCH}\" (${file} is missing): "
      "build with ./dev build, or name the folder with -DPELLUCID_TORCH=DIR")
  endif()
endforeach()
file(STRINGS ${PELLUCID_TORCH}/include/torch/headeronly/version.h version REGEX "define TORCH_VERSION_(MAJOR|MINOR) ")
string(REGEX REPLACE "[^0-9;]" "" version "${version}")
string(REPLACE ";" "." PELLUCID_TORCH_VERSION "${version}")
if(PELLUCID_TORCH_VERSION VERSION_LESS 2.9)
  message(FATAL_ERROR "LibTorch ${PELLUCID_TORCH_VERSION} in ${PELLUCID_TORCH} is too old: 2.9 is the first that builds")
endif()
message(STATUS "LibTorch ${PELLUCID_TORCH_VERSION}: ${PELLUCID_TORCH}")

# Its headers are not warning-free: they count as a system's.
add_library(pellucid_torch INTERFACE)
target_include_directories(pellucid_torch SYSTEM INTERFACE
  ${PELLUCID_TORCH}/include ${PELLUCID_TORCH}/include/torch/csrc/api/include)
# One header per operator, else a sum of two tensors pulls in all of them.
target_compile_definitions(pellucid_torch INTERFACE AT_PER_OPERATOR_HEADERS)
target_link_libraries(pellucid_torch INTERFACE ${PELLUCID_TORCH}/lib/libtorch_cpu.so ${PELLUCID_TORCH}/lib/libc10.so)
