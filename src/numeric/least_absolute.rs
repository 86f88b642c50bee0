//! stub
#[allow(clippy::too_many_arguments)]
pub fn minimise(
    _x: &[f64],
    _y: &[f64],
    _w: &[f64],
    _a: &[f64],
    _b: &[f64],
    _l: &[f64],
    _v: &mut [f64],
) -> Result<(), String> {
    Ok(())
}
