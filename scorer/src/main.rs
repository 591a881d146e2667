//! The scorer binary: hands the environment to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let argument = std::env::args_os().nth(1);
    scorer::process::run(argument.as_ref(), &|name| std::env::var_os(name))
}
