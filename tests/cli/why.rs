//! `explain --why`: what depends on what, and by which path; the plate diagram.

use crate::{Place, err};

const SPRINKLER: &str = "model sprinkler
const p_sprinkler[binary]   = [0.5, 0.1]
const p_rain[binary]        = [0.2, 0.8]
const p_wet[binary, binary] = [[0, 0.9], [0.9, 0.99]]
data day { cloudy : binary  sprinkler : binary  rain : binary  wet : binary }
observe cloudy[day]    ~ Bernoulli(0.5)
observe sprinkler[day] ~ Bernoulli(p_sprinkler[cloudy])
observe rain[day]      ~ Bernoulli(p_rain[cloudy])
observe wet[day]       ~ Bernoulli(p_wet[sprinkler, rain])
";

const TOPICS: &str = "model lda
data token { doc : label  word : label  count : weight }
plate topic(3)
latent  theta[topic] ~ Dirichlet(0.1) over word
latent  pi[doc]      ~ Dirichlet(0.1) over topic
latent  z[token]     ~ Categorical(pi[doc])
observe word[token]  ~ Categorical(theta[z])
";

const CHAIN: &str = "model hmm
data step ordered by t within session { y : real }
plate state(3)
param   start       : simplex over state
param   move[state] : simplex over state
param   mu[state]   : real
param   s2[state]   : positive
latent  z[step] ~ Categorical(move[z[step-1]]) first Categorical(start)
observe y[step] ~ Gaussian(mu[z], var = s2[z])
";

const BAYESIAN: &str = "model bayesian
data row { x : real }
plate cluster(2)
latent  weight      ~ Dirichlet(1) over cluster
latent  mu[cluster] ~ Gaussian(0, var = 100)
latent  z[row]      ~ Categorical(weight)
observe x[row]      ~ Gaussian(mu[z], var = 1)
";

const MACHINE: &str = "model machine
data image { v[pixel] : binary = \"p*\" }
plate unit(4)
param   W[pixel, unit] : real
latent  h[image, unit] : binary
observe v[image, pixel]
potential[image, pixel, unit] W * v * h
";

fn says(p: &Place, arguments: &str, lines: &[&str]) {
    let said = p.ok(&format!("explain {arguments}"));
    let flat: Vec<&str> = said.lines().map(str::trim).collect();
    for line in lines {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = flat.iter().any(|l| {
            l.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .contains(&line)
        });
        assert!(found, "{line}\nnot in\n{said}");
    }
}

#[test]
fn wet_grass_couples_its_causes() {
    let p = Place::new(&[("m.pmod", SPRINKLER)]);
    says(
        &p,
        "m.pmod --why rain sprinkler",
        &[
            "same day: rain[day] and sprinkler[day] are dependent",
            "rain[day] -> wet[day] <- sprinkler[day]",
            "wet[day] child of rain[day] and sprinkler[day], observed: explaining away",
            "one factor of q holds both",
            "another day: rain[day] and sprinkler[day'] are independent",
        ],
    );
    // Nobody looked at the grass.
    says(
        &p,
        "m.pmod --why rain sprinkler --blank wet",
        &[
            "rain[day] and sprinkler[day] are independent",
            "cloudy[day] shared parent, observed: closes the path",
            "wet[day] shared child, unknown, nothing known below it: closes the path",
        ],
    );
    // Nor at the sky.
    says(
        &p,
        "m.pmod --why rain sprinkler --blank wet,cloudy",
        &[
            "rain[day] and sprinkler[day] are dependent",
            "rain[day] <- cloudy[day] -> sprinkler[day]",
            "cloudy[day] shared parent, unknown: a common cause",
        ],
    );
    says(
        &p,
        "m.pmod --why wet cloudy",
        &["same day: wet[day] and cloudy[day] are independent"],
    );
}

#[test]
fn known_points_keep_rows_apart() {
    let p = Place::mixture();
    says(
        &p,
        "m.pmod --why z z",
        &[
            "known: the data (x), the points (weight, mu, s)",
            "z[row] and z[row'] are independent",
            "z[row] <- weight -> z[row']",
            "weight shared parent, a point, known given the fit: closes the path",
        ],
    );
    says(
        &p,
        "m.pmod --why z",
        &[
            "Markov blanket of z[row]",
            "parents weight (a point)",
            "co-parents mu[cluster, feature] (a point), s[cluster] (a point)",
            "independent of every other unknown",
        ],
    );
    // An unknown weight joins them.
    let p = Place::new(&[("m.pmod", BAYESIAN)]);
    says(
        &p,
        "m.pmod --why z z",
        &[
            "z[row] and z[row'] are dependent",
            "weight shared parent, unknown: a common cause",
        ],
    );
}

#[test]
fn topics_are_coupled_by_documents_and_by_words() {
    let p = Place::new(&[("m.pmod", TOPICS)]);
    says(
        &p,
        "m.pmod --why z z",
        &[
            "same doc: z[token] and z[token'] are dependent",
            "z[token] <- pi[doc] -> z[token']",
            "another doc: z[token] and z[token'] are dependent",
            "z[token] -> word[token] <- theta[topic] -> word[token'] <- z[token']",
            "they stand in different factors of q: this dependence is left out",
        ],
    );
    says(
        &p,
        "m.pmod --why z z --given theta",
        &[
            "same doc: z[token] and z[token'] are dependent",
            "another doc: z[token] and z[token'] are independent",
        ],
    );
    says(
        &p,
        "m.pmod --why z z --param theta,pi",
        &["z[token] and z[token'] are independent"],
    );
}

#[test]
fn a_chain_passes_on_within_its_sequence() {
    let p = Place::new(&[("m.pmod", CHAIN)]);
    says(
        &p,
        "m.pmod --why z z",
        &[
            "next step: z[step] and z[step+1] are dependent",
            "step further apart: z[step] and z[step+2] are dependent",
            "z[step] -> z[step+1] -> z[step+2]",
            "z[step+1] unknown, passes it on: a chain",
            "another session: z[step] and z[step'] are independent",
        ],
    );
    says(
        &p,
        "m.pmod --why z z --given z",
        &[
            "step further apart: z[step] and z[step+2] are independent",
            "z[step+1] given: closes the chain",
        ],
    );
    says(
        &p,
        "m.pmod --why z",
        &[
            "parents move[state] (a point), z[step-1] (unknown)",
            "children z[step+1] (unknown), y[step] (observed)",
        ],
    );
}

#[test]
fn terms_see_independence_that_the_graph_does_not() {
    // Given which cluster each row has, no row meets two means.
    let p = Place::new(&[("m.pmod", BAYESIAN)]);
    says(
        &p,
        "m.pmod --why mu mu --given z",
        &[
            "mu[cluster] and mu[cluster'] are independent, though the graph joins them",
            "mu[cluster] -> x[row] <- mu[cluster']",
            "the graph couples them, but no term of log p holds both",
        ],
    );
    says(
        &p,
        "m.pmod --why mu mu",
        &["mu[cluster] and mu[cluster'] are dependent"],
    );
}

#[test]
fn hidden_units_are_apart_given_the_pixels() {
    let p = Place::new(&[("m.pmod", MACHINE)]);
    says(
        &p,
        "m.pmod --why h h",
        &[
            "same image, another unit: h[image, unit] and h[image, unit'] are independent",
            "h[image, unit] -- potential(line 7) -- v[image, pixel] -- potential(line 7) -- h[image, unit']",
            "v[image, pixel] observed: closes the path",
        ],
    );
    says(
        &p,
        "m.pmod --why h h --blank v",
        &[
            "h[image, unit] and h[image, unit'] are dependent",
            "v[image, pixel] unknown, passes it on",
        ],
    );
}

#[test]
fn names_that_are_no_quantities_are_refused() {
    let p = Place::new(&[("m.pmod", SPRINKLER), ("t.pmod", TOPICS)]);
    for (arguments, part) in [
        ("m.pmod --why ran", "did you mean `rain`?"),
        ("m.pmod --why rain wt", "did you mean `wet`?"),
        ("m.pmod --why rain --given clowdy", "did you mean `cloudy`?"),
        ("t.pmod --why doc", "`doc` is given"),
        ("t.pmod --why z z --blank pi", "no observed column `pi`"),
    ] {
        let out = p.run(&format!("explain {arguments}"));
        assert_eq!(out.status.code(), Some(1), "{arguments}");
        assert!(
            err(&out).contains("E0301") && err(&out).contains(part),
            "{}",
            err(&out)
        );
    }
    for arguments in [
        "m.pmod --why",
        "m.pmod --given rain",
        "m.pmod --why rain --format dot",
    ] {
        assert_eq!(
            p.run(&format!("explain {arguments}")).status.code(),
            Some(2),
            "{arguments}"
        );
    }
}

#[test]
fn the_plate_diagram_is_a_picture() {
    let p = Place::new(&[
        ("a&b.pmod", CHAIN.split_once('\n').expect("lines").1),
        ("t.pmod", TOPICS),
    ]);
    let svg = p.ok("explain a&b.pmod --format svg");
    assert!(
        svg.starts_with("<?xml") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    assert!(svg.contains(">a&amp;b</text>"), "{svg}");
    let svg = p.ok("explain t.pmod --format svg");
    for part in [
        "q(z): Categorical, mean-field",
        "method: variational Bayes",
        ">theta</text>",
    ] {
        assert!(svg.contains(part), "{part}");
    }
    let dot = p.ok("explain t.pmod --format dot");
    assert!(dot.starts_with("digraph \"lda\" {"), "{dot}");
    assert_eq!(dot.matches("subgraph cluster_").count(), 3, "{dot}");
}
