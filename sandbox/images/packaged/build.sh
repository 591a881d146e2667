#!/usr/bin/env bash
# Builds the packaged image's program: static, without a C library, linux/amd64.
set -euo pipefail
cd "$(dirname "$0")"
gcc -Os -static -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pie -no-pie \
  -Wall -Wextra -s -Wl,-n -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,--no-warn-rwx-segments -o server server.c
