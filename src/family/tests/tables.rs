//! Families without a textbook closed form, against values at 60 digits (mpmath: erfc and its continued fraction, besselk).

use crate::family::{Family, GaussianLaplace, GeneralisedInverseGaussian};

/// Seven numbers to a row.
type Row = (f64, f64, f64, f64, f64, f64, f64);

// (l, b, a) -> A, E|h|, E h, E h^2
#[rustfmt::skip]
const GAUSSIAN_LAPLACE: &[Row] = &[
    (1.0, 0.3, 2.0, 0.10050173044724162, 0.4230560359652074, 0.08775837152731317, 0.30163573774649327),
    (0.0, 1.0, 1.0, 1.4189385332046727, 1.1666309411753726, 1.0, 2.0),
    (3.0, -2.5, 0.5, 0.23920081609891297, 0.7402242248107417, -0.6905634390133626, 1.011471846202363),
    (50.0, 0.1, 0.001, -3.2188722248678006, 0.020000144000032, 8.000015999944961e-05, 0.0008000144000252157),
    (1000000.0, 3.0, 1.0, -13.12236337739633, 1.000000000016e-06, 6.000000000024e-12, 2.00000000008e-12),
    (10.0, -100000.0, 2.0, 2499500025.572365, 49995.0, -49995.0, 2499500025.5),
    (1e-08, 1e-09, 10000.0, -3.686231652863207, 0.007978845607665274, 9.999999999202116e-14, 9.999999999202116e-05),
    (5.0, 5.0, 1e-12, 14.041301990397454, 797884.4971409012, 797884.4971408852, 999999920211.5503),
    (40.0, 0.0, 1.0, -2.99635629998917, 0.024968847207263722, 0.0, 0.0012461117094510702),
    (200.0, 199.5, 0.01, 0.6578226389352307, 1.8626247707148171, 1.8626182797746695, 6.739267208311053),
    (1.0, 30.0, 1.0, 421.41893853320465, 29.0, 29.0, 842.0),
    (0.5, -0.2, 1000000000000.0, -12.896572423701816, 7.978843791127947e-07, -1.999999202115621e-13, 9.999996010578505e-13),
];

// (p, a, b) -> A, E log v, E v, E 1/v
#[rustfmt::skip]
const GENERALISED_INVERSE_GAUSSIAN: &[Row] = &[
    (0.5, 1.0, 1.0, -0.08106146679532726, 0.3613286168882226, 2.0, 1.0),
    (-0.5, 2.0, 3.0, -2.07985735391256, 0.029268254724720853, 1.224744871391589, 1.1498299142610593),
    (0.0, 0.1, 0.2, 1.429030556790473, 0.34657359027997264, 4.6672052021941735, 2.3336026010970867),
    (2.5, 0.001, 5.0, 19.286106342652932, 8.304612671818917, 5001.66407636784, 0.0003328152735680305),
    (-3.0, 4.0, 1e-06, 44.21911989613273, -15.431442323622436, 2.499998750016451e-07, 6000000.9999995),
    (1.0, 100.0, 200.0, -142.62907366904548, 0.3536197897454565, 1.4292398930967631, 0.7046199465483816),
    (0.0, 1e-08, 1e-08, 3.6128949979823854, 0.0, 5394729.015176565, 5394729.015176565),
    (30.0, 2.0, 2.0, 71.22257740570502, 3.3856249769864557, 30.03444040028459, 0.03444040028459141),
    (-12.5, 0.0001, 0.0001, 142.52794191842065, -12.388683203829943, 4.347826086866505e-06, 250000.00000434782),
    (0.01, 1e-10, 3.0, 3.2209943612336853, 12.486806430816044, 1006257078.1669428, 0.026875235938898095),
    (300.0, 5.0, 7.0, 1134.2855851308327, 4.785922009386005, 120.01170453632275, 0.008360383087683037),
];

fn assert_close(got: f64, want: f64, scale: f64, what: &str) {
    assert!(
        (got - want).abs() <= 1e-11 * scale,
        "{what}: {got:e}, not {want:e}"
    );
}

#[test]
fn gaussian_laplace_keeps_eleven_digits_in_the_tails() {
    for &(l, b, a, log_partition, abs, mean, square) in GAUSSIAN_LAPLACE {
        let mut expected = [0.0; 3];
        let got = GaussianLaplace
            .expectations(&[-l, b, -0.5 * a], 1, &mut expected)
            .unwrap();
        let what = format!("l = {l}, b = {b}, a = {a}");
        assert_close(got, log_partition, 1.0 + log_partition.abs(), &what);
        assert_close(expected[0], abs, abs, &what);
        // The mean is a difference of the two halves: exact against their size.
        assert_close(expected[1], mean, abs, &what);
        assert_close(expected[2], square, square, &what);
    }
}

#[test]
fn generalised_inverse_gaussian_keeps_eleven_digits() {
    for &(p, a, b, log_partition, log, value, inverse) in GENERALISED_INVERSE_GAUSSIAN {
        let mut expected = [0.0; 3];
        let got = GeneralisedInverseGaussian
            .expectations(&[p - 1.0, -0.5 * a, -0.5 * b], 1, &mut expected)
            .unwrap();
        let what = format!("p = {p}, a = {a}, b = {b}");
        assert_close(got, log_partition, 1.0 + log_partition.abs(), &what);
        assert_close(expected[0], log, 1.0 + log.abs(), &what);
        assert_close(expected[1], value, value, &what);
        assert_close(expected[2], inverse, inverse, &what);
    }
}
