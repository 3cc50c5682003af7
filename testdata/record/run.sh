#!/usr/bin/env bash
# Records testdata anew: the events of real logs, the lines that internal/sample
# cycles, and the cases written by hand. Needs Go, nginx (Debian: nginx-light),
# Java 17 and Maven.
# run.sh cases   writes only the cases, which come out the same on every machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
# -trimpath keeps this machine's paths out of the recorded stack traces.
exec go run -trimpath ./testdata/record "$@"
