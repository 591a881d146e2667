//! The binary: everything is in the library, so that a test needs no process.

fn main() -> std::process::ExitCode {
    gangplank::main()
}
