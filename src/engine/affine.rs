//! Updates of blocks whose row-level means are a map from the data of the row: nothing here has a row.
//!
//! ```text
//! C = (-(Q + Q'))^-1        M_j = C T_j        H = (sum of weights) H(C)        row sums from M_j and sums of data
//! ```
//!
//! While a run goes on the maps stand in for the means, which are written out when it ends.

use ndarray::{ArrayD, IxDyn};

use crate::derive::{BlockId, MomentKind, Target};
use crate::family::StatisticKind;
use crate::family::gaussian::Factored;
use crate::model::Role;
use crate::plan::Affine;

use super::Engine;
use super::bind::unflatten;
use super::state::{BlockState, State};

/// Where an unknown's numbers lie in its map.
struct Place {
    /// Flat positions over the slots without the row, by (batch without the row, inside).
    positions: Vec<usize>,
    /// Numbers inside.
    len: usize,
    /// Where it begins in an element.
    offset: usize,
}

impl Engine<'_> {
    /// The shape of a map.
    pub(super) fn map_shape(&self, u: crate::algebra::UnknownId, j: usize) -> Vec<usize> {
        let d = self.derivation;
        let Some((id, a)) = d
            .block_of(u)
            .and_then(|id| Some((id, self.plan.affine[id.index()].as_ref()?)))
        else {
            return vec![];
        };
        let block = d.block(id);
        let i = block.unknowns.iter().position(|x| *x == u).unwrap_or(0);
        let mut shape = self.shape(u);
        shape.remove(block.batch_slots[i][a.place]);
        if let Some(f) = a.features.get(j) {
            shape.extend(f.axes.iter().map(|x| self.size(*x)));
        }
        shape
    }

    /// Updates a block as a map; false where it has none or only its rows can say what is wrong with it.
    pub(super) fn update_affine(&self, state: &mut State, id: BlockId) -> bool {
        if !state.pushing {
            return false;
        }
        let (Some(pushed), Some(a)) = (&self.pushed[id.index()], &self.plan.affine[id.index()])
        else {
            return false;
        };
        let Some((next, maps)) = self.solve_map(state, id, a, pushed.weight) else {
            return false;
        };
        for (kind, values) in maps {
            state.moments.insert(kind, values);
        }
        for u in &self.derivation.block(id).unknowns {
            let mean = MomentKind::Statistic(*u, StatisticKind::Value);
            state.moments.remove(&mean);
        }
        state.blocks[id.index()] = next;
        for i in &pushed.sums {
            let s = &self.plan.sums[*i];
            let key = &self.plan.keys[s.key.index()];
            let shape: Vec<usize> = key.axes.iter().map(|x| self.size(*x)).collect();
            let mut out = ArrayD::zeros(IxDyn(&shape));
            for p in s.pushed.iter().flatten() {
                self.add_planned(state, p, &[], &mut out);
            }
            state.accumulated[s.key.index()] = Some(out);
        }
        true
    }

    /// The new state of the block, its maps and its covariances.
    #[allow(clippy::type_complexity)]
    fn solve_map(
        &self,
        state: &State,
        id: BlockId,
        a: &Affine,
        weight: f64,
    ) -> Option<(BlockState, Vec<(MomentKind, ArrayD<f64>)>)> {
        let block = self.derivation.block(id);
        let pair = |t: Target| matches!(t, Target::Pair(..));
        let messages = self.messages_to(state, id, &|m| pair(m.target));
        let mut places = vec![];
        let mut n = 0;
        for (i, u) in block.unknowns.iter().enumerate() {
            let mut shape = self.shape(*u);
            let row = block.batch_slots[i][a.place];
            shape[row] = 1;
            let (positions, len) = self.layout_of(id, i, &shape);
            places.push(Place {
                positions,
                len,
                offset: n,
            });
            n += len;
        }
        let offsets: Vec<usize> = places.iter().map(|p| p.offset).collect();
        let sizes: Vec<usize> = places.iter().map(|p| p.len).collect();
        let precisions = self.distinct_precisions(id, &messages, &offsets, &sizes);
        let latent = block.role == Role::Latent;
        let factors: Option<Vec<Factored>> = precisions
            .matrices
            .iter()
            .map(|q| match latent {
                true => Factored::new(q, n).ok(),
                false => Factored::regular(q, n),
            })
            .collect();
        let factors = factors?;
        // The batch without the row, and the matrix of each element.
        let plates: Vec<_> = (0..block.batch.len()).filter(|i| *i != a.place).collect();
        let batch: Vec<usize> = plates
            .iter()
            .map(|i| self.plate_size(block.batch[*i]))
            .collect();
        let varying: Vec<usize> = block.varying().collect();
        let of: Vec<usize> = (0..batch.iter().product())
            .map(|b| {
                let at = unflatten(b, &batch);
                let matrix = plates.iter().zip(at).filter(|(i, _)| varying.contains(i));
                let flat = matrix.fold(0, |f, (i, e)| f * self.plate_size(block.batch[*i]) + e);
                precisions.of_varying[flat]
            })
            .collect();
        let mut next = BlockState {
            initialised: true,
            updated: true,
            mapped: true,
            ..BlockState::default()
        };
        if latent {
            let plates: Vec<_> = plates.iter().map(|i| block.batch[*i]).collect();
            let others = self.element_weights(id, &plates);
            for (g, w) in of.iter().zip(others) {
                next.entropy += weight * w * factors[*g].entropy();
            }
        }
        let mut out = vec![];
        for (j, _) in a.features.iter().enumerate() {
            let shapes: Vec<Vec<usize>> = block
                .unknowns
                .iter()
                .map(|u| self.map_shape(*u, j))
                .collect();
            let mut maps: Vec<Vec<f64>> = vec![];
            let mut width = 1;
            for (i, shape) in shapes.iter().enumerate() {
                let mut t = ArrayD::zeros(IxDyn(shape));
                for (_, _, c) in a.tables.iter().filter(|(u, k, _)| (*u, *k) == (i, j)) {
                    self.add_contraction(state, c, None, &mut t);
                }
                width = t.len() / places[i].positions.len().max(1);
                maps.push(t.into_raw_vec_and_offset().0);
            }
            for (b, g) in of.iter().enumerate() {
                let mut columns = vec![0.0; n * width];
                for (p, m) in places.iter().zip(&maps) {
                    for x in 0..p.len {
                        let from = p.positions[b * p.len + x] * width;
                        let to = (p.offset + x) * width;
                        columns[to..to + width].copy_from_slice(&m[from..from + width]);
                    }
                }
                factors[*g].means(&mut columns, width).ok()?;
                for (p, m) in places.iter().zip(&mut maps) {
                    for x in 0..p.len {
                        let to = p.positions[b * p.len + x] * width;
                        let from = (p.offset + x) * width;
                        m[to..to + width].copy_from_slice(&columns[from..from + width]);
                    }
                }
            }
            for ((u, m), shape) in block.unknowns.iter().zip(maps).zip(shapes) {
                let m = ArrayD::from_shape_vec(IxDyn(&shape), m).ok()?;
                out.push((MomentKind::Map(*u, j as u32), m));
            }
        }
        if latent {
            let covariances: Vec<Vec<f64>> = factors
                .iter()
                .map(|f| {
                    let mut c = vec![0.0; n * n];
                    f.covariance(&mut c);
                    c
                })
                .collect();
            for (i, u) in block.unknowns.iter().enumerate() {
                for (j, v) in block.unknowns.iter().enumerate() {
                    let c = precisions.spread(
                        &covariances,
                        (offsets[i], sizes[i]),
                        (offsets[j], sizes[j]),
                        &self.pair_shape(*u, *v),
                    )?;
                    if i == j {
                        let name = self.covariance_name(id, i);
                        next.parameters.push((i, name, c.clone()));
                    }
                    out.push((MomentKind::Covariance(*u, *v), c));
                }
            }
        }
        Some((next, out))
    }

    /// Writes out the means of all blocks that are maps: the state is that of a run row by row.
    pub(super) fn write_out(&self, state: &mut State) {
        state.pushing = false;
        self.forget_sums(state);
        for (i, a) in self.plan.affine.iter().enumerate() {
            let Some(a) = a.as_ref().filter(|_| state.blocks[i].mapped) else {
                continue;
            };
            if self.streamed.map(|s| s.plate) == Some(a.plate) {
                // The rows are on disk, and so would their means be: the maps say the same.
                continue;
            }
            let block = self.derivation.block(BlockId(i as u32));
            let name = match block.role {
                Role::Latent => "mean",
                _ => "value",
            };
            for ((k, u), values) in block.unknowns.iter().enumerate().zip(&a.values) {
                let mut mean = ArrayD::zeros(IxDyn(&self.shape(*u)));
                for p in values {
                    self.add_planned(state, p, &[a.plate], &mut mean);
                }
                let list = &mut state.blocks[i].parameters;
                let at = list
                    .iter()
                    .position(|(x, _, _)| *x == k)
                    .unwrap_or(list.len());
                list.insert(at, (k, name, mean.clone()));
                let kind = MomentKind::Statistic(*u, StatisticKind::Value);
                state.moments.insert(kind, mean);
            }
            for u in &block.unknowns {
                for j in 0..a.features.len() {
                    state.moments.remove(&MomentKind::Map(*u, j as u32));
                }
            }
            for s in self.pushed[i].iter().flat_map(|p| &p.sums) {
                state.accumulated[self.plan.sums[*s].key.index()] = None;
            }
            state.blocks[i].mapped = false;
        }
    }
}
