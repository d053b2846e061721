"""Pathwise estimators: derivatives through the sampler."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="reparameterization",
        families=("normal",),
        needs=("slopes",),
        unbiased=True,
        summary="mean_i (dx_i/dtheta)^T f'(x_i)",
        source="Kingma & Welling 2014 (1312.6114); Rezende et al. 2014 (1401.4082)",
    ),
)
