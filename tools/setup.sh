# shellcheck shell=bash
# What the machine must have: Debian packages and .venv. Sourced by `dev`; asks neither apt nor pip when all is there.

packages_of() {
  case $1 in
    build)
      echo ca-certificates g++ cmake ninja-build ccache mold pkgconf git python3 python3-venv nlohmann-json3-dev \
        libssl-dev libjpeg-dev libturbojpeg0-dev libspng-dev libwebp-dev libtiff-dev libdeflate-dev libcairo2-dev \
        libfontconfig-dev libboost1.81-dev libprotozero-dev libgtest-dev libgmock-dev fonts-dejavu-core
      ;;
    python) echo python3-dev ;;
    web) echo nodejs npm ;;
    browser) echo chromium ;;
    clang) echo clang clang-tidy ;;
    lint) echo clang-format shellcheck git python3 python3-venv ;;
    fresh) echo debootstrap git ;;
  esac
}

# need_packages GROUP: installs the Debian packages of a group that are missing, after saying which and how large.
need_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null || {
    command -v cmake >/dev/null && command -v ninja >/dev/null && return
    fail "this is no Debian or Ubuntu: install what corresponds to: $(packages_of "$1")"
  }
  local installed
  # shellcheck disable=SC2016,SC2046
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' $(packages_of "$1") 2>/dev/null || true)"
  for package in $(packages_of "$1"); do
    [[ $installed == *" installed:$package "* ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "missing Debian packages; as root, run: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
    [[ -n ${CI-} ]] && as_root=(sudo -n)
  fi
  say "Debian packages that are missing: ${missing[*]}"
  ${as_root[@]+"${as_root[@]}"} apt-get update -q ||
    fail "apt-get update failed: look at the network and at /etc/apt, then run this again"
  ${as_root[@]+"${as_root[@]}"} apt-get install --assume-no --no-install-recommends "${missing[@]}" 2>/dev/null |
    grep -E '^(Need to get|After this)' >&2 || true
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null ||
    fail "apt-get could not install: ${missing[*]} (Debian 12 and Ubuntu 24.04 have them all)"
}

python=$root/.venv/bin/python

need_venv() {
  if "$python" -c '' 2>/dev/null; then return; fi
  say "making .venv"
  rm -rf .venv
  python3 -m venv .venv || fail "python3 -m venv failed; Debian's package python3-venv has what it needs"
}

# requirement_hash FILE...: what .venv/GROUP.installed must hold for nothing to be done.
requirement_hash() { cat "$@" | cat - <("$python" -V) | sha256sum | cut -c1-32; }

has_nvidia() { [[ -e /proc/driver/nvidia/version ]] || command -v nvidia-smi >/dev/null; }

# torch_index GROUP: the words that tell pip where torch, and what is compiled against it, comes from.
torch_index() {
  grep -q '^torch' "requirements/$1.txt" || return 0
  if [[ -n ${PELLUCID_TORCH_INDEX-} ]]; then
    echo --extra-index-url "$PELLUCID_TORCH_INDEX"
  elif ! has_nvidia && [[ ! $("$python" -m pip config list) =~ index-url|find-links|no-index ]]; then
    # Whoever has told pip where to look is taken at his word.
    echo --extra-index-url https://download.pytorch.org/whl/cpu
  fi
}

# need_python GROUP: requirements/GROUP.txt in .venv. torch, once there, stays the version it is.
need_python() {
  local group=$1 stamp wanted constraint=.venv/torch.constraint words=()
  need_venv
  case $group in
    lint | torch) ;;
    test) need_python demo ;;
    *) need_python torch ;;
  esac
  stamp=.venv/$group.installed
  wanted=$(requirement_hash "requirements/$group.txt")
  [[ -f $stamp && $(<"$stamp") == "$wanted" ]] && return
  read -ra words < <(torch_index "$group") || true
  say "Python packages for $group, into .venv: $(grep -v '^ *#' "requirements/$group.txt" | tr '\n' ' ')"
  if [[ $group == torch ]]; then
    "$python" -c 'import torch' 2>/dev/null ||
      echo "torch is about 200 MB for the CPU alone; the CUDA build, which PyPI has, is about 3 GB with its libraries." \
        "PELLUCID_TORCH_INDEX chooses (./dev help)." >&2
    : >"$constraint"
  fi
  touch "$constraint"
  "$python" -m pip install -q --disable-pip-version-check ${words[@]+"${words[@]}"} \
    -c "$constraint" -r "requirements/$group.txt" </dev/null ||
    fail "pip could not install requirements/$group.txt: see its message above; then run this again"
  if [[ $group == torch ]]; then "$python" -m pip freeze 2>/dev/null | grep '^torch==' >"$constraint"; fi
  printf '%s\n' "$wanted" >"$stamp"
}

# need_web: Node, and what web/ is built and tested with. Whoever has Node from elsewhere keeps it.
need_web() {
  command -v node >/dev/null && command -v npm >/dev/null || need_packages web
  # npm's own list of what it has installed; the build looks at it, too (cmake/web.cmake).
  local installed=web/node_modules/.package-lock.json
  if [[ $installed -nt web/package.json && $installed -nt web/package-lock.json ]]; then return; fi
  say "npm packages for web/, into web/node_modules"
  (cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) ||
    fail "npm could not install web/package-lock.json: see its message above; then run this again"
  touch "$installed"
}

# need_browser: sets CHROMIUM, the browser that the page is tested with.
need_browser() {
  CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v google-chrome || true)}
  if [[ -z $CHROMIUM ]]; then
    need_packages browser
    CHROMIUM=$(command -v chromium)
  fi
  export CHROMIUM
}

# A Python that was not Debian's has its headers with it.
need_python_headers() {
  "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    need_packages python
}

# need_torch: sets torch_dir to a folder with LibTorch's include/ and lib/.
need_torch() {
  if [[ -n ${PELLUCID_TORCH-} ]]; then
    torch_dir=$(cd -- "$here" && cd -- "$PELLUCID_TORCH" 2>/dev/null && pwd) || fail "PELLUCID_TORCH: no folder $PELLUCID_TORCH"
    [[ -f $torch_dir/include/ATen/core/Tensor.h && -f $torch_dir/lib/libtorch_cpu.so ]] ||
      fail "PELLUCID_TORCH: $torch_dir has no include/ATen and lib/libtorch_cpu.so; name LibTorch's own folder"
    return
  fi
  need_python torch
  torch_dir=$(echo "$root"/.venv/lib/python3*/site-packages/torch)
  [[ -f $torch_dir/lib/libtorch_cpu.so ]] || fail "torch in .venv is not whole; remove .venv and run this again"
}
