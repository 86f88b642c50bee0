//! The `pmc` program: everything is in the library.

fn main() -> std::process::ExitCode {
    pmc::cli::main()
}
