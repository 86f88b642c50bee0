//! `pmc new`: a small model to start from.

use std::path::PathBuf;

use super::files;
use super::output::{Failure, Output};
use crate::syntax::is_reserved;

pub(super) fn run(name: &str, out: &mut Output) -> Result<(), Failure> {
    let word = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if !word || is_reserved(name) {
        return Err(Failure::Usage(format!(
            "`{name}` is no name for a model: letters, digits and `_`, no reserved word"
        )));
    }
    let path = PathBuf::from(format!("{name}.pmod"));
    if path.exists() {
        return Err(Failure::Usage(format!("`{}` exists", path.display())));
    }
    files::write(&path, starter(name).as_bytes())?;
    out.write(&format!(
        "{0} written; next:\n  pmc check {0}\n  pmc fit {0} DATA.csv\n",
        path.display()
    ))
}

/// A mixture of Gaussians over all columns of a file.
fn starter(name: &str) -> String {
    format!(
        "\
// Groups of similar rows: each row belongs to one of K clusters. Every column of the file is read as a number.
model {name}

const K = 3

data row {{ x[feature] : real = rest }}
plate cluster(K)

param weight         : simplex over cluster
param mu[cluster]    : real over feature
param Sigma[cluster] : covariance over feature

latent  z[row] ~ Categorical(weight)
observe x[row] ~ Gaussian(mu[z], cov = Sigma[z]) over feature
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use crate::{check, compile, syntax};

    #[test]
    fn the_starter_compiles_and_is_formatted() {
        let source = SourceFile::new("x.pmod", starter("x"));
        let (model, warnings) =
            compile::model(&source, &check::Options::default()).expect("checks");
        assert!(warnings.is_empty());
        assert!(compile::compile(&model, None).is_ok());
        assert_eq!(syntax::format(&source).expect("formats"), source.text);
    }
}
