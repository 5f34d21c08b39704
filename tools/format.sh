# shellcheck shell=bash
# ./dev format: brings all C++ and Python files into the one format. Sourced by `dev`.
need_packages lint
need_python lint
git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.h' | xargs -0 --no-run-if-empty clang-format -i
git ls-files -z --cached --others --exclude-standard -- '*.py' | xargs -0 --no-run-if-empty .venv/bin/ruff format -q
