//! Mean and precision together: Gaussian-Wishart and Gaussian-Gamma blocks.

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, Form, MomentKind, Target};
use crate::diag::Diagnostic;
use crate::engine::Engine;
use crate::engine::state::{BlockState, State};
use crate::family::gaussian_wishart::GaussianWishart;
use crate::family::{Parameter, StatisticKind};

use super::Messages;

impl Engine<'_> {
    pub(super) fn update_scale(
        &self,
        state: &mut State,
        id: BlockId,
        messages: &Messages,
        next: &mut BlockState,
    ) -> Result<(), Diagnostic> {
        let block = self.derivation.block(id);
        let (w, v) = (block.unknowns[0], block.unknowns[1]);
        let batch: usize = block.batch.iter().map(|p| self.plate_size(*p)).product();
        let (positions, inside) = self.layout(id, 0);
        let matrix = matches!(block.form, Form::GaussianWishart);
        let family = if matrix {
            GaussianWishart {
                d: inside,
                count: 1,
            }
        } else {
            GaussianWishart {
                d: 1,
                count: inside,
            }
        };
        let (d, c) = (family.d, family.count);
        // The precision's own elements in batch order.
        let v_positions: Vec<usize> = self.layout(id, 1).0.iter().map(|p| p / (d * d)).collect();
        let get = |t: Target| messages.get(&t).and_then(|a| a.as_slice());
        let log = get(Target::Single(v, StatisticKind::Log));
        let value = get(Target::Single(v, StatisticKind::Value));
        let cross = get(Target::Cross);
        let square = get(Target::Quadratic);
        let weights = self.element_weights(id, &block.batch);
        let mut eta = vec![0.0; family.length()];
        let mut expected = vec![0.0; family.length()];
        let mut out_log = vec![0.0; batch];
        let mut out_value = vec![0.0; batch * d * d];
        let mut out_cross = vec![0.0; positions.len()];
        let mut out_square = vec![0.0; batch * c * c];
        let mut out_mean = vec![0.0; positions.len()];
        let mut parameters: Vec<Parameter> = vec![];
        for b in 0..batch {
            let p = v_positions[b];
            eta[0] = log.map_or(0.0, |a| a[p]);
            for k in 0..d * d {
                eta[1 + k] = value.map_or(0.0, |a| a[p * d * d + k]);
            }
            let at = 1 + d * d;
            for k in 0..inside {
                eta[at + k] = cross.map_or(0.0, |a| a[positions[b * inside + k]]);
            }
            let at = at + d * c;
            for k in 0..c * c {
                eta[at + k] = square.map_or(0.0, |a| a[b * c * c + k]);
            }
            let log_z = family
                .expectations(&eta, &mut expected)
                .map_err(|e| self.improper(w, b, &e))?;
            let inner: f64 = eta.iter().zip(&expected).map(|(a, b)| a * b).sum();
            next.entropy += weights[b] * (log_z - inner);
            out_log[p] = expected[0];
            out_value[p * d * d..(p + 1) * d * d].copy_from_slice(&expected[1..=d * d]);
            let mut mean = vec![0.0; d * c];
            family
                .mean(&eta, &mut mean)
                .map_err(|e| self.improper(w, b, &e))?;
            for k in 0..inside {
                out_cross[positions[b * inside + k]] = expected[1 + d * d + k];
                out_mean[positions[b * inside + k]] = mean[k];
            }
            let at = 1 + d * d + d * c;
            out_square[b * c * c..(b + 1) * c * c].copy_from_slice(&expected[at..at + c * c]);
            let p = family
                .parameters(&eta)
                .map_err(|e| self.improper(w, b, &e))?;
            if parameters.is_empty() {
                parameters = p;
            } else {
                for (a, b) in parameters.iter_mut().zip(p) {
                    a.values.extend(b.values);
                }
            }
        }
        let mut put = |kind: MomentKind, values: Vec<f64>| {
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&self.moment_shape(kind)), values) {
                state.moments.insert(kind, a);
            }
        };
        put(MomentKind::Statistic(v, StatisticKind::Log), out_log);
        put(MomentKind::Statistic(v, StatisticKind::Value), out_value);
        put(MomentKind::Cross(w), out_cross);
        put(MomentKind::Quadratic(w), out_square);
        put(
            MomentKind::Statistic(w, StatisticKind::Value),
            out_mean.clone(),
        );
        let batch_shape: Vec<usize> = block.batch.iter().map(|p| self.plate_size(*p)).collect();
        if let Ok(mean) = ArrayD::from_shape_vec(IxDyn(&self.shape(w)), out_mean) {
            next.parameters.push((0, "mean", mean));
        }
        for p in parameters {
            if p.name == "mean" {
                continue;
            }
            let of = usize::from(p.name != "beta");
            let mut full = batch_shape.clone();
            full.extend(&p.shape);
            if let Ok(a) = ArrayD::from_shape_vec(IxDyn(&full), p.values) {
                next.parameters.push((of, p.name, a));
            }
        }
        if !matrix {
            // In one dimension the Wishart is a Gamma: shape df / 2, rate inverse scale / 2.
            for (_, name, a) in &mut next.parameters {
                let renamed = match *name {
                    "df" => "shape",
                    "inverse_scale" => "rate",
                    _ => continue,
                };
                *name = renamed;
                a.mapv_inplace(|x| x / 2.0);
                if let Ok(b) = a.to_shape(IxDyn(&batch_shape)) {
                    *a = b.into_owned();
                }
            }
        }
        Ok(())
    }
}
