"""What is compared with what: one entry a row of the table."""
from dataclasses import dataclass, field


@dataclass
class Row:
    name: str
    work: str
    """The model and the data in words."""
    peer: str
    data: str
    """The CSV file without its ending."""
    ratio: tuple[float, float]
    """How many times faster than the peer: at least, and aim."""
    few: int = 2
    many: int = 12
    """Iterations of the two fits of the peer whose difference is timed."""
    pmc: tuple[int, int] = ()
    """Those of pmc, where its iterations are too short to be timed by as few."""
    model: str = ""
    tolerance: float = 1e-6
    """The relative difference of the objectives that counts as agreement."""
    extra: list[str] = field(default_factory=list)
    """Other data files to be made."""
    once: bool = False
    """One computation instead of iterations."""

    def __post_init__(self):
        self.model = self.model or self.name
        self.pmc = self.pmc or (self.few, self.many)


SKLEARN, HMMLEARN, BAYESPY = "scikit-learn", "hmmlearn", "BayesPy"
LONG = (50, 1050)

ROWS = [
    Row("gmm_full", "Gaussian mixture, full covariances, 1,000,000 x 10, K = 10", f"{SKLEARN} GaussianMixture", "gmm", (20, 35)),
    Row("gmm_diag", "Gaussian mixture, diagonal, 1,000,000 x 10, K = 20", f"{SKLEARN} GaussianMixture", "gmm", (12, 20)),
    Row("bgmm_full", "variational Gaussian mixture, 1,000,000 x 10, K = 10", f"{SKLEARN} BayesianGaussianMixture", "gmm", (20, 35), pmc=(3, 13)),
    Row("hmm", "Gaussian HMM, 1000 chains of 1000 steps, K = 8", HMMLEARN, "hmm", (20, 40), few=1, many=6, pmc=(1, 21)),
    Row("hmm_scaling", "the same", f"{HMMLEARN}, implementation='scaling'", "hmm", (0, 0), few=1, many=6, pmc=(1, 21), model="hmm"),
    Row("fa", "factor analysis, 100,000 x 50, 10 factors", f"{SKLEARN} FactorAnalysis, lapack", "fa", (50, 500), pmc=(50, 3050)),
    Row("lda", "LDA, 20,000 documents, 10,000 words, K = 50", f"{SKLEARN} LatentDirichletAllocation, batch, one inner step", "lda", (8, 12), few=2, many=8, pmc=(2, 22)),
    Row("sparse", "sparse codes, 20,000 x 64, 128 atoms that are given", f"{SKLEARN} sparse_encode, lasso_cd", "sparse", (5, 10), once=True, tolerance=1e-4),
    Row("ppca", "probabilistic PCA, 100,000 x 50, 10 factors", BAYESPY, "fa", (50, 200), few=1, many=11, pmc=LONG),
    Row("bpca", "Bayesian PCA, 100,000 x 50, 10 factors", BAYESPY, "fa", (50, 200), few=1, many=11, pmc=LONG),
    Row("ard", "ARD regression, 100,000 x 49", BAYESPY, "fa", (50, 200), few=1, many=11, pmc=LONG),
    Row("mf", "matrix factorisation, 100,000 ratings of 500 by 2000, 5 factors", BAYESPY, "mf", (50, 200), few=1, many=11, pmc=(10, 110)),
    Row("mreg", "mixture of five regressions, 100,000 x 10", BAYESPY, "mreg", (50, 200), few=1, many=11, pmc=(5, 55)),
    Row("bgmm", "variational Gaussian mixture, 100,000 x 10, K = 10", BAYESPY, "gmm_100000", (50, 200), few=1, many=6, pmc=(5, 55)),
]
