//! The natural parameters at which the families are checked.

use super::super::*;

/// A family at a natural parameter.
pub(super) struct Case {
    pub family: &'static dyn Family,
    pub d: usize,
    pub eta: Vec<f64>,
    /// For differences: small against the distance to the edge of the natural parameters.
    pub step: f64,
}

impl Case {
    pub fn name(&self) -> String {
        format!("{} at {:?}", self.family.name(), self.eta)
    }

    pub fn length(&self) -> usize {
        self.eta.len()
    }

    /// A(eta) and E[t].
    pub fn solve(&self) -> (f64, Vec<f64>) {
        let mut expected = vec![f64::NAN; self.length()];
        let log_partition = self
            .family
            .expectations(&self.eta, self.d, &mut expected)
            .unwrap_or_else(|error| panic!("{}: {}", self.name(), error.reason));
        (log_partition, expected)
    }
}

/// A positive definite matrix of side d with entries of size `size`.
pub(super) fn matrix(d: usize, size: f64) -> Vec<f64> {
    let mut m = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..d {
            let sign = if (i + j) % 2 == 0 { 1.0 } else { -0.6 };
            m[i * d + j] = size * sign * (-0.9 * i.abs_diff(j) as f64).exp();
        }
        m[i * d + i] += size * (0.5 + 0.3 * i as f64);
    }
    m
}

fn with_matrix(head: &[f64], d: usize, size: f64) -> Vec<f64> {
    let mut eta = head.to_vec();
    eta.extend(matrix(d, size).iter().map(|v| -0.5 * v));
    eta
}

pub(super) fn all() -> Vec<Case> {
    let case = |family: &'static dyn Family, d: usize, eta: Vec<f64>, step: f64| Case {
        family,
        d,
        eta,
        step,
    };
    vec![
        case(&Categorical, 1, vec![-3.0], 1e-3),
        case(&Categorical, 4, vec![0.3, -1.0, 2.0, -30.0], 1e-3),
        case(&Bernoulli, 1, vec![0.7], 1e-3),
        case(&Bernoulli, 1, vec![-5.0], 1e-3),
        case(&Dirichlet, 3, vec![0.5, 3.0, -0.4], 1e-3),
        case(&Dirichlet, 2, vec![40.0, 0.0], 1e-2),
        case(&Dirichlet, 4, vec![-0.9, -0.8, -0.5, -0.9], 1e-4),
        case(&Beta, 1, vec![1.5, 0.2], 1e-3),
        case(&Beta, 1, vec![-0.5, 6.0], 1e-3),
        case(&Gamma, 1, vec![2.3, -0.7], 1e-3),
        case(&Gamma, 1, vec![-0.8, -5.0], 1e-4),
        case(&InverseGamma, 1, vec![-4.5, -0.7], 1e-3),
        case(&InverseGamma, 1, vec![-1.5, -3.0], 1e-3),
        case(&Gaussian, 1, vec![0.4, -1.5], 1e-3),
        case(&Gaussian, 3, with_matrix(&[1.0, -2.0, 0.3], 3, 1.4), 1e-3),
        case(&Gaussian, 10, with_matrix(&[0.5; 10], 10, 2.0), 1e-3),
        // Q need not be symmetric: only its symmetric part counts.
        case(&Gaussian, 2, vec![0.2, 0.1, -1.0, 0.7, -0.1, -0.8], 1e-3),
        case(&GaussianLaplace, 1, vec![-1.0, 0.3, -1.0], 1e-3),
        case(&GaussianLaplace, 1, vec![-6.0, -5.0, -0.25], 1e-3),
        case(&GaussianLaplace, 1, vec![0.0, 2.0, -0.5], 1e-3),
        case(&GaussianLaplace, 1, vec![2.0, 0.1, -0.5], 1e-3),
        case(&TruncatedGaussian, 1, vec![0.8, -0.5], 1e-3),
        case(&TruncatedGaussian, 1, vec![-7.0, -0.5], 1e-3),
        case(&TruncatedGaussian, 1, vec![9.0, -0.5], 1e-3),
        case(&GeneralisedInverseGaussian, 1, vec![0.7, -1.0, -0.4], 1e-3),
        case(&GeneralisedInverseGaussian, 1, vec![-1.5, -0.2, -2.0], 1e-3),
        case(
            &GeneralisedInverseGaussian,
            1,
            vec![-1.0, -0.05, -0.03],
            3e-4,
        ),
        case(&Wishart, 1, vec![0.7, -1.5], 1e-3),
        case(&Wishart, 3, with_matrix(&[1.3], 3, 1.0), 1e-3),
        case(&Wishart, 2, with_matrix(&[-0.8], 2, 0.5), 1e-4),
        case(&InverseWishart, 1, vec![-2.7, -1.5], 1e-3),
        case(&InverseWishart, 3, with_matrix(&[-5.3], 3, 1.0), 1e-3),
    ]
}
