"""Fits the peer of one row: peers.py ROW FOLDER FEW MANY THREADS [FIT]; prints one JSON object.

`read` is the seconds of imports and reading; `few` and `many` are the seconds of fits of FEW and of MANY iterations, so that their
difference is iterations alone; `objective` is that of the longer fit, as pmc defines it, or None where the peer defines another.
FIT is the fit file of pmc, for rows that compare results instead of objectives.
"""
import json
import os
import sys
import time

STARTED = time.perf_counter()
ROW, FOLDER, FEW, MANY, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
FIT = sys.argv[6] if len(sys.argv) > 6 else None
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = THREADS

import warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd


def csv(name, **options):
    return pd.read_csv(os.path.join(FOLDER, f"{name}.csv"), **options)


def start():
    return dict(np.load(os.path.join(FOLDER, "start", f"{ROW}.npz")))


def timed(fit):
    """Seconds and results of `fit` with few and with many iterations."""
    out = {"read": time.perf_counter() - STARTED}
    for name, n in (("few", FEW), ("many", MANY)):
        clock = time.perf_counter()
        result = fit(n)
        out[name] = time.perf_counter() - clock
        out[f"result_{name}"] = result
    return out


def summary(out, objective=None, **more):
    for key in ("result_few", "result_many"):
        out.pop(key, None)
    print(json.dumps({**out, "objective": objective, **more}))


def mixture(kind):
    from sklearn.mixture import GaussianMixture

    x, s = csv("gmm").to_numpy(), start()
    precision = np.linalg.inv(s["Sigma"]) if kind == "full" else 1 / s["s2"]

    def fit(n):
        m = GaussianMixture(
            len(s["weight"]), covariance_type=kind, max_iter=n, tol=0, reg_covar=0, init_params="random_from_data",
            weights_init=s["weight"], means_init=s["mu"], precisions_init=precision, random_state=0,
        )
        return m.fit(x)

    out = timed(fit)
    # Its bound is that of the E step, before the last M step.
    summary(out, float(out["result_many"].lower_bound_ * len(x)), at=MANY - 1)


def variational_mixture():
    from sklearn.mixture import BayesianGaussianMixture

    x, s = csv("gmm").to_numpy(), start()

    def fit(n):
        m = BayesianGaussianMixture(
            n_components=10, max_iter=n, tol=0, reg_covar=0, weight_concentration_prior_type="dirichlet_distribution",
            weight_concentration_prior=0.1, mean_precision_prior=1, degrees_of_freedom_prior=10, covariance_prior=np.eye(10),
            random_state=0,
        )
        responsibilities = np.eye(10)[s["z"]]
        m._initialize_parameters = lambda x, random_state, **more: m._initialize(x, responsibilities)
        return m.fit(x)

    out = timed(fit)
    # Its bound lacks constants, and is that of the other half of the iteration: the results themselves are compared.
    m = out["result_many"]
    summary(out, None, results={"mu": m.means_.tolist(), "weight": m.weight_concentration_.tolist()})


def hidden_markov(implementation):
    from hmmlearn.hmm import GaussianHMM

    t = csv("hmm")
    lengths = t.groupby("session", sort=False).size().to_numpy()
    y, s = t[["y"]].to_numpy(), dict(np.load(os.path.join(FOLDER, "start", "hmm.npz")))

    def fit(n):
        m = GaussianHMM(8, covariance_type="diag", n_iter=n, tol=-np.inf, init_params="", covars_prior=0, implementation=implementation)
        m.startprob_, m.transmat_, m.means_, m.covars_ = s["start"], s["move"], s["mu"][:, None], s["s2"][:, None]
        return m.fit(y, lengths)

    out = timed(fit)
    summary(out, float(out["result_many"].monitor_.history[-1]), at=MANY - 1)


def factor_analysis():
    from sklearn.decomposition import FactorAnalysis

    x = csv("fa").to_numpy()
    out = timed(lambda n: FactorAnalysis(10, max_iter=n, tol=0, svd_method="lapack").fit(x))
    # Another algorithm for the same likelihood: only maxima agree.
    best = FactorAnalysis(10, max_iter=1000, tol=1e-9 * len(x), svd_method="lapack").fit(x)
    summary(out, float(best.loglike_[-1]), at="maximum")


def topics():
    from scipy.sparse import coo_matrix
    from sklearn.decomposition import LatentDirichletAllocation

    t = csv("lda")
    doc, word = t.doc.astype("category").cat, t.word.astype("category").cat
    x = coo_matrix((t["count"].astype(float), (doc.codes, word.codes))).tocsr()

    def fit(n):
        m = LatentDirichletAllocation(
            50, doc_topic_prior=0.1, topic_word_prior=0.01, learning_method="batch", max_iter=n, max_doc_update_iter=1,
            evaluate_every=-1, random_state=0, n_jobs=int(THREADS),
        )
        return m.fit(x)

    fit(1)  # starts its processes
    out = timed(fit)
    # Each iteration begins the documents anew, so the paths differ: what is compared is the perplexity of both tables of topics,
    # by the peer's own function with its usual number of inner steps.
    m = out["result_many"]
    m.max_doc_update_iter = 100
    found = {"perplexity": float(m.perplexity(x))}
    if FIT:
        with open(FIT) as file:
            fit_file = json.load(file)
        theta = np.array(fit_file["variables"]["theta"]["parameters"]["concentration"])
        m.components_ = theta
        m.exp_dirichlet_component_ = None
        from sklearn.decomposition._online_lda_fast import _dirichlet_expectation_2d

        m.exp_dirichlet_component_ = np.exp(_dirichlet_expectation_2d(theta))
        found["perplexity_pmc"] = float(m.perplexity(x))
    summary(out, None, **found)


def sparse_codes():
    from sklearn.decomposition import sparse_encode

    x = csv("sparse").to_numpy()
    atoms = np.load(os.path.join(FOLDER, "sparse_atoms.npy"))
    out = {"read": time.perf_counter() - STARTED, "few": 0.0}
    clock = time.perf_counter()
    codes = sparse_encode(x, atoms, algorithm="lasso_cd", alpha=0.1, n_jobs=int(THREADS), max_iter=1000)
    out["many"] = time.perf_counter() - clock
    loss = 0.5 * ((x - codes @ atoms) ** 2).sum() + 0.1 * np.abs(codes).sum()
    constants = x.size * 0.5 * np.log(2 * np.pi) - codes.size * np.log(0.1 / 2)
    summary(out, float(-loss - constants), at="maximum")


def by_sweeps(build):
    """BayesPy: one object, few sweeps and then the rest; the number of iterations is that after both."""
    out = {"read": time.perf_counter() - STARTED}
    q = build()
    for name, n in (("few", FEW), ("many", MANY - FEW)):
        clock = time.perf_counter()
        q.update(repeat=n, tol=-1.0, verbose=False)
        out[name] = time.perf_counter() - clock
    out["many"] += out["few"]
    summary(out, float(q.L[MANY - 1]), at=MANY)


def bayespy_mixture():
    from bayespy.inference import VB
    from bayespy.nodes import Categorical, Dirichlet, Gaussian, Mixture, Wishart

    x, s = csv("gmm_100000").to_numpy(), start()
    n, d = x.shape

    def build():
        weight = Dirichlet(np.ones(10))
        z = Categorical(weight, plates=(n,))
        mu = Gaussian(np.zeros(d), 1e-3 * np.eye(d), plates=(10,))
        precision = Wishart(d, np.eye(d), plates=(10,))
        y = Mixture(z, Gaussian, mu, precision)
        z.initialize_from_value(s["z"])
        y.observe(x)
        return VB(y, mu, precision, weight, z)

    by_sweeps(build)


def bayespy_factors(relevance):
    from bayespy.inference import VB
    from bayespy.nodes import Gamma, GaussianARD, SumMultiply

    x, s = csv("fa").to_numpy(), start()
    n, d = x.shape

    def build():
        h = GaussianARD(0, 1, plates=(1, n), shape=(10,))
        alpha = Gamma(1e-3, 1e-3, plates=(10,)) if relevance else None
        w = GaussianARD(0, alpha if relevance else 1e-3, plates=(d, 1), shape=(10,))
        tau = Gamma(1e-3, 1e-3)
        y = GaussianARD(SumMultiply("d,d->", w, h), tau)
        w.initialize_from_value(s["W"][:, None, :])
        y.observe(x.T)
        return VB(y, h, w, *([alpha] if relevance else []), tau)

    by_sweeps(build)


def bayespy_regression():
    from bayespy.inference import VB
    from bayespy.nodes import Gamma, GaussianARD, SumMultiply

    x = csv("fa").to_numpy()
    y, x = x[:, 0], x[:, 1:]

    def build():
        alpha = Gamma(1e-3, 1e-3, plates=(x.shape[1],))
        w = GaussianARD(0, alpha, shape=(x.shape[1],))
        tau = Gamma(1e-3, 1e-3)
        rows = GaussianARD(SumMultiply("d,d->", w, x), tau)
        rows.observe(y)
        return VB(rows, w, alpha, tau)

    by_sweeps(build)


def bayespy_ratings():
    from bayespy.inference import VB
    from bayespy.nodes import Gamma, GaussianARD, SumMultiply

    t, s = csv("mf"), start()
    user, item = t.user.astype("category").cat.codes, t.item.astype("category").cat.codes
    stars = np.zeros((user.max() + 1, item.max() + 1))
    known = np.zeros(stars.shape, bool)
    stars[user, item], known[user, item] = t.stars, True

    def build():
        u = GaussianARD(0, 1, plates=(stars.shape[0], 1), shape=(5,))
        v = GaussianARD(0, 1, plates=(1, stars.shape[1]), shape=(5,))
        tau = Gamma(1e-3, 1e-3)
        y = GaussianARD(SumMultiply("d,d->", u, v), tau)
        v.initialize_from_value(s["v"][None])
        y.observe(stars, mask=known)
        return VB(y, u, v, tau)

    by_sweeps(build)


def bayespy_lines():
    from bayespy.inference import VB
    from bayespy.nodes import Categorical, Dirichlet, Gamma, GaussianARD, Mixture, SumMultiply

    t, s = csv("mreg"), start()
    y, x = t.y.to_numpy(), t.drop(columns="y").to_numpy()

    def build():
        weight = Dirichlet(np.ones(5))
        z = Categorical(weight, plates=(len(y),))
        w = GaussianARD(0, 0.01, plates=(1, 5), shape=(x.shape[1],))
        tau = Gamma(0.01, 0.01, plates=(5,))
        line = SumMultiply("d,d->", w, x[:, None, :])
        rows = Mixture(z, GaussianARD, line, tau)
        z.initialize_from_value(s["z"])
        rows.observe(y)
        return VB(rows, w, tau, weight, z)

    by_sweeps(build)


PEERS = {
    "gmm_full": lambda: mixture("full"),
    "gmm_diag": lambda: mixture("diag"),
    "bgmm_full": variational_mixture,
    "hmm": lambda: hidden_markov("log"),
    "hmm_scaling": lambda: hidden_markov("scaling"),
    "fa": factor_analysis,
    "lda": topics,
    "sparse": sparse_codes,
    "bgmm": bayespy_mixture,
    "bpca": lambda: bayespy_factors(True),
    "ppca": lambda: bayespy_factors(False),
    "ard": bayespy_regression,
    "mf": bayespy_ratings,
    "mreg": bayespy_lines,
}

if __name__ == "__main__":
    PEERS[ROW]()
