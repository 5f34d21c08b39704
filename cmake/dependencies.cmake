# The libraries Pellucid stands on; docs/decisions.md says why each was chosen.
find_package(PkgConfig REQUIRED)
find_package(Torch REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(CODECS REQUIRED IMPORTED_TARGET libturbojpeg libjpeg spng libwebp libtiff-4)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo cairo-svg cairo-pdf cairo-ft fontconfig freetype2)

# Everything in Pellucid is compiled alike.
add_library(pellucid_flags INTERFACE)
target_include_directories(pellucid_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(pellucid_flags INTERFACE PELLUCID_VERSION="${PROJECT_VERSION}")
target_compile_options(pellucid_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wno-unused-parameter $<$<BOOL:${PELLUCID_WERROR}>:-Werror>)
if(PELLUCID_SANITIZE)
  target_compile_options(pellucid_flags INTERFACE -fsanitize=${PELLUCID_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(pellucid_flags INTERFACE -fsanitize=${PELLUCID_SANITIZE})
endif()

# LibTorch's headers are not warning-free: they count as a system's. Its link line is taken as it is, but for
# the Python binding, which the program does not need.
add_library(pellucid_torch INTERFACE)
target_include_directories(pellucid_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(pellucid_torch INTERFACE torch)
separate_arguments(PELLUCID_TORCH_FLAGS UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(pellucid_torch INTERFACE ${PELLUCID_TORCH_FLAGS})
