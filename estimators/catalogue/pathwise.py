"""Pathwise estimators: derivatives through the sampler."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="reparameterization",
        families=("normal", "laplace", "logistic", "multivariate_normal"),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i)",
        source="Kingma & Welling 2014 (1312.6114); Rezende et al. 2014 (1401.4082)",
        adds_score=True,
    ),
    Facts(
        name="antithetic",
        families=("normal",),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i) over mirrored pairs mu + sigma e, mu - sigma e",
        source="Wu et al. 2019 (1810.02555)",
        min_samples=2,
        samples_multiple=2,
        adds_score=True,
    ),
    Facts(
        name="rqmc",
        families=("normal",),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i) over digitally shifted Sobol points, S a power of two",
        source="Buchholz et al. 2018 (1807.01604)",
        min_samples=2,
        samples_multiple=2,
        adds_score=True,
    ),
    Facts(
        name="implicit",
        families=("gamma", "beta", "dirichlet", "student_t", "von_mises"),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i), dx/dtheta = -(dF/dtheta) / p",
        source="Figurnov et al. 2018 (1805.08498)",
        adds_score=True,
    ),
)
