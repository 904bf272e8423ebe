# Every command a person types here. `just` lists them.

_default:
    @just --list --unsorted

# Start the whole system: servers, five services, one listener
up *args:
    cargo run --release -- up {{args}}

# All tests: domain, log, services, end to end, crash (a few rounds)
test *args:
    cargo test --workspace {{args}}

# What CI runs: format, lints, tests
ci:
    bash .ci/run

# Format everything
fmt:
    find . -name target -prune -o -name '*.rs' -print0 | xargs -0 rustfmt

# Lints; warnings are errors
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Two hundred rounds of kill -9 under load, with the counts
crash rounds="200":
    STEWARD_CRASH_ROUNDS={{rounds}} cargo test --release -p steward-tests --test crash -- --nocapture

# Something hostile in every field of every recorded input, against the whole system
hostile:
    STEWARD_HOSTILE=all cargo test --release -p steward-tests --test hostile -- --nocapture

# Evaluation sets, played by a brain; tests/eval/README.md
eval *args:
    cargo run --quiet --bin steward -- eval tests/eval/*.jsonl {{args}}

# Reading costs in proportion to length: every pair of kinds of words, and mails of megabytes in every shape; about an hour
growth:
    cargo test --release -p steward-language -p steward-ingestion --lib growth -- --ignored --nocapture

# Two tenants, one flooding each resource in turn: the other's p99, alone and under the flood
fairness samples="300":
    STEWARD_FAIRNESS={{samples}} cargo test --release -p steward-tests --test fairness -- --nocapture

# The benchmarks, each beside its reference in the same run: one JSON line per job and a table
bench *jobs:
    cargo build --release --workspace --bins
    cargo run --release -p steward-tests --bin bench -- {{jobs}}

# The API judged by Schemathesis: every operation with the keys of each role, for so many seconds
judge seconds="600":
    STEWARD_JUDGED_SECONDS={{seconds}} cargo test -p steward-tests --test api_judged -- --nocapture

# Make the picture that the README shows anew; it needs Chromium
picture:
    cargo build --workspace --bin steward
    mkdir -p docs
    STEWARD_PICTURE={{justfile_directory()}}/docs cargo test -p steward-tests --test dashboard the_picture_in_the_readme

# Write the golden bytes of events that have none yet
golden:
    STEWARD_WRITE_GOLDEN=1 cargo test -p steward-proto

# Licences, advisories, sources and duplicates of what we depend on (deny.toml); needs cargo-deny
deny:
    cargo deny --workspace check

# The documentation of all our crates; warnings are errors
doc:
    RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --workspace --no-deps --document-private-items

# Fuzz one parser (fuzz/targets) for so many seconds; needs cargo-fuzz. What breaks it is kept in fuzz/artifacts
fuzz target seconds="60":
    cp Cargo.lock fuzz/
    mkdir -p fuzz/corpus/{{target}}
    cargo fuzz run --sanitizer none {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}}/ -- -max_total_time={{seconds}} -max_len=65536 -timeout=10 -dict=fuzz/tokens.dict
