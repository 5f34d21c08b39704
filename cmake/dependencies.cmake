# The libraries Pellucid stands on; docs/decisions.md says why each was chosen.
find_package(PkgConfig REQUIRED)
include(torch)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
pkg_check_modules(CODECS REQUIRED IMPORTED_TARGET libturbojpeg libjpeg spng libwebp libtiff-4)
pkg_check_modules(DEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(CAIRO REQUIRED IMPORTED_TARGET cairo cairo-svg cairo-pdf cairo-ft fontconfig freetype2)

# Everything in Pellucid is compiled alike.
add_library(pellucid_flags INTERFACE)
target_include_directories(pellucid_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(pellucid_flags INTERFACE PELLUCID_VERSION="${PROJECT_VERSION}")
target_compile_options(pellucid_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wno-unused-parameter $<$<BOOL:${PELLUCID_WERROR}>:-Werror>)
# g++ 12 takes concatenations of short strings for overlong copies (GCC bug 105651).
target_compile_options(pellucid_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# No folder of this machine in what is compiled: ccache then hits from any checkout, and messages stay short.
target_compile_options(pellucid_flags INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
# -fPIC for all, programs too: they share the libraries' precompiled header.
target_compile_options(pellucid_flags INTERFACE -fPIC)
# With precompiled headers ccache hits only so.
target_compile_options(pellucid_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
  "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
# Libraries nobody calls cost time at each start.
target_link_options(pellucid_flags INTERFACE -Wl,--as-needed)
find_program(PELLUCID_MOLD mold)
if(PELLUCID_MOLD)
  target_link_options(pellucid_flags INTERFACE -fuse-ld=mold)
endif()
if(PELLUCID_SANITIZE)
  target_compile_options(pellucid_flags INTERFACE -fsanitize=${PELLUCID_SANITIZE} -fno-omit-frame-pointer)
  target_compile_definitions(pellucid_flags INTERFACE PELLUCID_SANITIZED)
  target_link_options(pellucid_flags INTERFACE -fsanitize=${PELLUCID_SANITIZE})
  # LibTorch's headers have fences that g++'s ThreadSanitizer does not follow.
  if(PELLUCID_SANITIZE MATCHES thread)
    target_compile_options(pellucid_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()
