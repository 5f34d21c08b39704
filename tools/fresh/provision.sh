#!/usr/bin/env bash
# Runs inside a minimal Debian, in a clean clone: the two commands of the README and nothing before them.
# Used by tools/fresh/fresh.sh (chroot) and by the Containerfile, so that the two cannot drift.
# Usage: provision.sh [COMMAND]...   default: demo test
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
export CI=true
exec </dev/null
(($#)) || set -- demo test
for command in "$@"; do
  started=$SECONDS
  ./dev "$command"
  echo "fresh: ./dev $command: done in $((SECONDS - started)) s"
done
