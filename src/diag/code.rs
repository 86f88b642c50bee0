//! The register of codes.

/// A stable code: `E0308`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(&'static str);

impl Code {
    /// As printed.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

macro_rules! codes {
    ($($name:ident: $summary:literal;)*) => {
        #[allow(missing_docs)]
        impl Code {
            $(pub const $name: Code = Code(stringify!($name));)*
        }
        /// Every code with its summary, in order.
        pub fn register() -> &'static [(Code, &'static str)] {
            &[$((Code::$name, $summary)),*]
        }
    };
}

codes! {
    E0101: "bad character";
    E0102: "malformed number";
    E0103: "string not closed";
    E0104: "number out of range";
    E0105: "not UTF-8";
    E0201: "expected one thing, found another";
    E0202: "reserved word as a name";
    E0203: "bracket not closed";
    E0204: "positional argument after a named one";
    E0205: "clauses out of order";
    E0206: "an index is a name, not arithmetic";
    E0207: "unknown type, domain, constraint or rule";
    E0208: "`model` twice or not first";
    E0209: "nested too deep";
    E0301: "unknown name";
    E0302: "declared twice";
    E0303: "plate and value of the same name";
    E0304: "unknown plate";
    E0305: "unknown distribution";
    E0306: "unknown function";
    E0307: "index left out, no element in scope";
    E0308: "index left out or named by its plate, several candidates";
    E0309: "no free slot for this index";
    E0310: "`i-k` on a plate without order or an element not bound";
    E0311: "circular definition";
    E0312: "`observe` of what is no data";
    E0313: "brackets of `observe` are not the column's slots";
    E0314: "labels refer to a table without a key";
    E0315: "fold over a table with two columns of the plate";
    E0316: "`every`, `within` or `by` of no such column";
    E0317: "observed twice";
    E0401: "argument missing, twice, or two alternatives";
    E0402: "spread not named";
    E0403: "`over` missing or not taken";
    E0404: "element of the wrong plate";
    E0405: "element used as a number, or number as an index";
    E0406: "matrix for a number or the reverse";
    E0407: "argument may leave its support";
    E0408: "column or variable outside the support";
    E0409: "plate size not a whole number above 0";
    E0410: "table does not fit its plates";
    E0411: "constant is no simplex or no covariance";
    E0412: "`i-k` without `first` or the reverse";
    E0413: "`case` misses or repeats an element";
    E0414: "constraint does not apply";
    E0415: "weight where none may be";
    E0416: "`sd` or `inverse` of an unknown";
    E0417: "`latent` without a distribution or potential";
    E0501: "no family";
    E0502: "improper prior on a latent";
    E0503: "param in a potential: normaliser unknown";
    E0504: "this group cannot be joint";
    E0505: "too many joint states";
    E0506: "argument must be known";
    E0507: "role cannot be switched";
    E0508: "form not derived yet";
    E0601: "memory above the limit";
    E0602: "`order` names no block";
    E0603: "no minibatches here: rows are coupled";
    E0604: "no minibatch form";
    E0701: "file cannot be read";
    E0702: "no such column";
    E0703: "cell not of its type";
    E0704: "blank where conditioned on";
    E0705: "label not in the plate";
    E0706: "key repeated, rows differ";
    E0707: "column group empty or unequal";
    E0708: "pair twice, or with itself";
    E0709: "no rows";
    E0710: "value outside the support";
    E0711: "header or row broken";
    E0712: "position in an ordered table blank or twice";
    E0713: "new element of a param";
    E0714: "init or fit file does not match";
    E0715: "objective without bound";
    E0716: "Parquet file or column not read";
    W0301: "never used";
    W0501: "latent meets no data";
    W0502: "mode on the boundary";
    W0503: "mean field understates spread here";
    W0701: "component without weight";
    W0702: "new label read as blank";
}
