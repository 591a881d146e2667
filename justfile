# The verbs of the house. `just` lists them; every one is also a plain cargo command.

# List the verbs.
default:
    @just --list

# The whole story on the sandbox.
demo *arguments:
    cargo demo {{ arguments }}

# Both clouds on loopback.
sandbox *arguments:
    cargo run --release --package gangplank -- sandbox {{ arguments }}

# Compile everything without building it.
check:
    cargo check --workspace --all-targets

# All tests.
test:
    cargo test --workspace

# Review changed snapshots.
snap:
    cargo insta review

# Lints, as strict as CI.
lint:
    cargo clippy --workspace --all-targets -- --deny warnings

# Format everything.
fmt:
    cargo fmt --all

# Write the generated files anew.
generate:
    GANGPLANK_GENERATE=1 cargo test --package gangplank-bridge schema

# The rules that no compiler checks.
tidy:
    cargo xtask tidy

# Ask the independent implementations anew, all or the named ones (cel, rbac, terraform, …), and show what differs.
witness *names:
    for name in {{ if names == "" { "acr cel cosign provenance rbac registry scenarios terraform token" } else { names } }}; do bash witness/$name/run.sh; done
    if [ -z "{{ names }}" ]; then bash witness/run.sh; fi
    git diff --stat -- witness

# Build the reference pages of all crates.
docs:
    cargo doc --workspace --no-deps

# Everything CI runs.
ci:
    bash .ci/run
