//! The `pmc` program: everything is in the library, but for the elementary functions of the whole program.
//!
//! glibc chooses among variants of exp, log, pow, sin, ... that differ in the last bit, by the machine's instructions. With
//! definitions of its own, in Rust, the program has one of each: for itself and for every library in it.
//! And it keeps freed memory for the next iteration, which needs as much again.

#![warn(missing_docs)]

fn main() -> std::process::ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    memory::keep_freed();
    pmc::cli::main()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)] // a function of the C library
mod memory {
    // From malloc.h.
    const M_TRIM_THRESHOLD: i32 = -1;
    const M_MMAP_THRESHOLD: i32 = -3;

    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }

    /// Blocks of up to 32 MB, the most that is allowed, come from the heap, and the heap does not shrink: otherwise each iteration
    /// gives its arrays back to the system and has the new ones cleared page by page.
    pub fn keep_freed() {
        // SAFETY: called once, before other threads are started; a value that is refused changes nothing.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, 32 << 20);
            mallopt(M_TRIM_THRESHOLD, i32::MAX);
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)] // names that the linker sees; their meaning is that of the C standard
mod elementary {
    macro_rules! of_one {
        ($($name:ident = $body:path;)*) => {$(
            #[unsafe(no_mangle)]
            extern "C" fn $name(x: f64) -> f64 {
                $body(x)
            }
        )*};
    }

    of_one! {
        exp = libm::exp;
        exp2 = libm::exp2;
        exp10 = libm::exp10;
        expm1 = libm::expm1;
        log = libm::log;
        log2 = libm::log2;
        log10 = libm::log10;
        log1p = libm::log1p;
        sin = libm::sin;
        cos = libm::cos;
        tan = libm::tan;
        asin = libm::asin;
        acos = libm::acos;
        atan = libm::atan;
        sinh = libm::sinh;
        cosh = libm::cosh;
        tanh = libm::tanh;
        cbrt = libm::cbrt;
    }

    #[unsafe(no_mangle)]
    extern "C" fn pow(x: f64, y: f64) -> f64 {
        libm::pow(x, y)
    }

    #[unsafe(no_mangle)]
    extern "C" fn atan2(y: f64, x: f64) -> f64 {
        libm::atan2(y, x)
    }

    #[unsafe(no_mangle)]
    extern "C" fn hypot(x: f64, y: f64) -> f64 {
        libm::hypot(x, y)
    }

    /// The compiler makes one call of a sine and a cosine of the same number.
    #[unsafe(no_mangle)]
    extern "C" fn sincos(x: f64, sine: &mut f64, cosine: &mut f64) {
        (*sine, *cosine) = libm::sincos(x);
    }
}
