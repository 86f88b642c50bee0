//! Nearest names, for "did you mean".
//!
//! in: a name that is unknown, the names that are known -> out: the one that was probably meant.

/// The candidate nearest to `name` by edit distance, if near enough to be a slip; of equals the first.
///
/// A slip changes at most a third of the letters, at least one letter may be changed, and one letter must remain: of two
/// names of one letter neither is a slip for the other. Upper and lower case are no difference.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let n_letters = name.chars().count();
    let limit = (n_letters / 3).max(1).min(n_letters.saturating_sub(1));
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= limit && *distance < c.chars().count())
        .min_by_key(|(distance, c)| (*distance, strsim::damerau_levenshtein(name, c)))
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["sigma", "Sigma", "mu", "cluster", "weight", "x"];
        assert_eq!(nearest("wieght", known), Some("weight"));
        assert_eq!(nearest("clusters", known), Some("cluster"));
        assert_eq!(nearest("CLUSTER", known), Some("cluster"));
        assert_eq!(nearest("Sigm", known), Some("Sigma"));
        assert_eq!(nearest("sigm", known), Some("sigma"));
        assert_eq!(nearest("nu", known), Some("mu"));
        assert_eq!(nearest("X", known), Some("x"));
        assert_eq!(nearest("y", known), None);
        assert_eq!(nearest("xy", known), None);
        assert_eq!(nearest("income", known), None);
        assert_eq!(nearest("", known), None);
    }
}
