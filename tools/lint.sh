# shellcheck shell=bash
# ./dev lint [--tidy [FILE]...]: all that is checked without running the program. Sourced by `dev`.
tidy=0
case ${1-} in
  --tidy)
    tidy=1
    shift
    ;;
  '') ;;
  *) fail "unknown option $1; lint takes --tidy" ;;
esac

need_packages lint
need_python lint
lint_failed=()
check() {
  local name=$1
  shift
  if "$@"; then echo "lint: $name: fine"; else lint_failed+=("$name"); fi
}
# What git tracks or would track, so that a new file is checked before it is added.
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [[ -f $file ]] && echo "$file"; done; }

mapfile -t cpp_files < <(files '*.cpp' '*.h')
mapfile -t python_files < <(files '*.py')
# What dev sources is checked with it.
mapfile -t shell_files < <(files dev .ci/run '*.sh' | grep -vE '^tools/(setup|lint|format)\.sh$')

if ((${#cpp_files[@]})); then check clang-format clang-format --dry-run -Werror "${cpp_files[@]}"; fi
check includes python3 tools/check_includes.py
check files python3 tools/check_files.py
check "Chinese phrases" python3 tools/check_phrases.py
if ((${#python_files[@]})); then
  check "ruff check" .venv/bin/ruff check -q "${python_files[@]}"
  check "ruff format" .venv/bin/ruff format -q --diff "${python_files[@]}"
fi
need_web
check "web types" npm --prefix web run --silent check
check shellcheck shellcheck -x "${shell_files[@]}"

# clang-tidy reads the precompiled header only when clang made it, so it has a build tree of its own.
tidy_all() {
  preset=tidy tree=build-tidy
  configure
  cmake --build build-tidy -j "$(job_count)" --target engine/CMakeFiles/pellucid_base.dir/cmake_pch.hxx.pch &&
    python3 tools/tidy.py build-tidy "$@" --jobs "$(job_count)"
}
if ((tidy)); then check clang-tidy tidy_all "$@"; fi

((${#lint_failed[@]} == 0)) || fail "lint: not fine: $(printf '%s, ' "${lint_failed[@]}" | sed 's/, $//') (./dev format mends the formatting)"
