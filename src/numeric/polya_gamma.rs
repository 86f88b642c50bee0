//! stub
use rand::Rng;
pub fn sample(_b: u32, _c: f64, _r: &mut dyn Rng) -> f64 {
    0.25
}
