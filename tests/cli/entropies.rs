//! The entropies of single elements add up to what the engine keeps for the block.

use pmc::data::{DataFile, Files};
use pmc::engine::{Engine, run};
use pmc::fit::entropy::by_element;
use pmc::model::Role;
use pmc::source::SourceFile;
use pmc::{check, compile, data};

fn compare(model: &str, csv: &str, blocks: usize) {
    let source = SourceFile::new("m.pmod", model);
    let (model, _) = compile::model(&source, &check::Options::default()).expect("checks");
    let files = Files {
        main: Some(DataFile::held("d.csv", csv)),
        by_table: vec![],
    };
    let bound = data::bind(&model, &files).expect("binds");
    let (d, plan) = compile::compile(&model, Some(&bound.dataset)).expect("compiles");
    let engine = Engine::new(&d, &plan, &bound.dataset, None).expect("engine");
    let (outcome, _) =
        run::run(&engine, None, &run::Options::default(), &mut |_| true).expect("runs");
    let mut compared = 0;
    for (i, b) in d.blocks.iter().enumerate() {
        if b.rows.is_some() || b.role != Role::Latent {
            continue;
        }
        let id = pmc::derive::BlockId(i as u32);
        let h = by_element(&engine, &outcome.state, id).expect("entropies");
        let kept = outcome.state.blocks[i].entropy;
        assert!(
            (h.sum() - kept).abs() <= 1e-9 * kept.abs().max(1.0),
            "{}: {} {kept}",
            b.form.name(),
            h.sum()
        );
        compared += 1;
    }
    assert_eq!(compared, blocks);
}

#[test]
fn of_every_kind_of_block() {
    let rows = crate::two_clusters(40);
    compare(
        "\
data row { x[feature] : real = (a, b) }
plate cluster(2)
latent  weight ~ Dirichlet(1) over cluster
latent  Lambda[cluster] ~ Wishart(4, inverse_scale = identity) over feature
latent  mu[cluster] ~ Gaussian(0, precision = 0.1 * Lambda) over feature
latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], precision = Lambda[z]) over feature
",
        &rows,
        2,
    );
    compare(
        "\
data row { a : real  b : real }
latent  tau ~ Gamma(1, rate = 1)
latent  w   ~ Gaussian(0, var = 100)
latent  c   ~ Gaussian(0, var = 100)
observe b[row] ~ Gaussian(w * a + c, precision = tau)
",
        &rows,
        2,
    );
    compare(
        "\
data row { a : real }
latent  tau ~ Gamma(1, rate = 1)
latent  mu  ~ Gaussian(0, precision = 0.1 * tau)
observe a[row] ~ Gaussian(mu, precision = tau)
",
        &rows,
        1,
    );
    compare(
        "\
data toss { coin : label  up : binary }
latent  p[coin]  ~ Beta(2, 3)
observe up[toss] ~ Bernoulli(p)
",
        "coin,up\na,1\na,0\nb,1\nb,1\nc,0\n",
        1,
    );
    compare(
        "\
data vote { item : label  answer : label of class }
param   prior            : simplex over class
param   confusion[class] ~ Dirichlet(2) over class
latent  truth[item]  ~ Categorical(prior)
observe answer[vote] ~ Categorical(confusion[truth])
",
        "item,answer\na,x\na,x\nb,y\nb,x\nc,y\n",
        1,
    );
}
