//! Which instructions the kernels use: the widest of the machine, unless a narrower set or portable bits are asked for.
//!
//! ```text
//! default         a b + c is rounded once where the machine can, else twice: the last bit depends on the machine
//! deterministic   a b + c is rounded twice everywhere; each operation is exact IEEE arithmetic, so that the width of the
//!                 registers changes nothing
//! ```
//!
//! Both settings are of the whole process, and a kernel reads them once a call.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Vector instructions of x86-64, from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum InstructionSet {
    /// What every machine of the architecture has.
    Baseline,
    /// AVX2 with fused multiply-add: four numbers at a time.
    Avx2,
    /// AVX-512 (F and DQ): eight numbers at a time.
    Avx512,
}

static DETERMINISTIC: AtomicBool = AtomicBool::new(false);
static WIDEST: AtomicU8 = AtomicU8::new(InstructionSet::Avx512 as u8);

/// Whether results must have the same bits on machines with different instructions. The default is no.
pub fn set_deterministic(on: bool) {
    DETERMINISTIC.store(on, Ordering::Relaxed);
}

/// Whether [`set_deterministic`] was asked for.
#[must_use]
pub fn is_deterministic() -> bool {
    DETERMINISTIC.load(Ordering::Relaxed)
}

/// Uses no wider instructions than these, as if the machine had none.
pub fn limit_instruction_set(widest: InstructionSet) {
    WIDEST.store(widest as u8, Ordering::Relaxed);
}

/// What the kernels may use: what the machine has, within the limit.
#[must_use]
pub fn instruction_set() -> InstructionSet {
    let widest = WIDEST.load(Ordering::Relaxed);
    if widest >= InstructionSet::Avx512 as u8 && machine_has(InstructionSet::Avx512) {
        InstructionSet::Avx512
    } else if widest >= InstructionSet::Avx2 as u8 && machine_has(InstructionSet::Avx2) {
        InstructionSet::Avx2
    } else {
        InstructionSet::Baseline
    }
}

/// Whether this machine has the instructions.
#[must_use]
#[cfg(target_arch = "x86_64")]
pub fn machine_has(set: InstructionSet) -> bool {
    let fma = is_x86_feature_detected!("fma");
    match set {
        InstructionSet::Baseline => true,
        InstructionSet::Avx2 => fma && is_x86_feature_detected!("avx2"),
        InstructionSet::Avx512 => {
            fma && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")
        }
    }
}

/// Whether this machine has the instructions.
#[must_use]
#[cfg(not(target_arch = "x86_64"))]
pub fn machine_has(set: InstructionSet) -> bool {
    set == InstructionSet::Baseline
}

/// a b + c, rounded once or twice. Only where the instruction exists is once as fast as twice.
#[inline(always)]
pub(in crate::numeric) fn fused<const FUSED: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `pub fn name(arguments) -> T = body;` where `body` is generic over whether products are fused: compiles `body` for each
/// instruction set and chooses at run time.
macro_rules! dispatched {
    ($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $kind:ty),* $(,)?) -> $result:ty = $body:ident;) => {
        $(#[$doc])*
        pub fn $name($($arg: $kind),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::numeric::vector::dispatch::{InstructionSet, instruction_set, is_deterministic};

                #[target_feature(enable = "avx512f,avx512dq,fma")]
                fn wide_512<const FUSED: bool>($($arg: $kind),*) -> $result {
                    $body::<FUSED>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide_256<const FUSED: bool>($($arg: $kind),*) -> $result {
                    $body::<FUSED>($($arg),*)
                }
                // SAFETY: `instruction_set` names only what the machine has.
                match (instruction_set(), is_deterministic()) {
                    (InstructionSet::Avx512, false) => unsafe { wide_512::<true>($($arg),*) },
                    (InstructionSet::Avx512, true) => unsafe { wide_512::<false>($($arg),*) },
                    (InstructionSet::Avx2, false) => unsafe { wide_256::<true>($($arg),*) },
                    (InstructionSet::Avx2, true) => unsafe { wide_256::<false>($($arg),*) },
                    (InstructionSet::Baseline, _) => $body::<false>($($arg),*),
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            $body::<false>($($arg),*)
        }
    };
}

/// Calls the one of three functions, each generic over whether products are fused, that the machine and the settings ask for.
macro_rules! choose {
    ($wide:ident, $narrow:ident, $plain:ident, $($arg:expr),* $(,)?) => {{
        #[cfg(target_arch = "x86_64")]
        {
            use $crate::numeric::vector::dispatch::{InstructionSet, instruction_set, is_deterministic};
            // SAFETY: `instruction_set` names only what the machine has.
            match (instruction_set(), is_deterministic()) {
                (InstructionSet::Avx512, false) => unsafe { $wide::<true>($($arg),*) },
                (InstructionSet::Avx512, true) => unsafe { $wide::<false>($($arg),*) },
                (InstructionSet::Avx2, false) => unsafe { $narrow::<true>($($arg),*) },
                (InstructionSet::Avx2, true) => unsafe { $narrow::<false>($($arg),*) },
                (InstructionSet::Baseline, _) => $plain($($arg),*),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        $plain($($arg),*)
    }};
}

pub(in crate::numeric) use {choose, dispatched};
