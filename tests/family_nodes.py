"""Nodes of the further families, for the grids of tests."""

import torch
from torch import Tensor

from varbench.bench.contract.nodes import ONE, SEVERAL, tensor  # noqa: F401  (tests take it from here)
from varbench.estimators.families.beta import Beta
from varbench.estimators.families.dirichlet import Dirichlet
from varbench.estimators.families.gamma import Gamma
from varbench.estimators.families.geometric import Geometric
from varbench.estimators.families.laplace import Laplace
from varbench.estimators.families.logistic import Logistic
from varbench.estimators.families.multivariate_normal import MultivariateNormal
from varbench.estimators.families.poisson import Poisson
from varbench.estimators.families.student_t import StudentT
from varbench.estimators.families.subset import Subset
from varbench.estimators.families.von_mises import VonMises
from varbench.estimators.node import Node
from varbench.estimators.noise import Noise

D, n, k = 3, 5, 2


CORE = ("bernoulli", "categorical", "normal")
FAMILY_NODES = {family: node for family, node in ONE.items() if family not in CORE}  # for exact sums and quadrature
TWO_OF_A_FAMILY = {family: node for family, node in SEVERAL.items() if family not in CORE}


def node_of_family(family: str, batch: tuple[int, ...], dtype: torch.dtype, noise: Noise) -> Node:
    """Return a node of D variables, its parameters drawn from the noise."""

    def normal(*shape: int) -> Tensor:
        return noise.normal(*batch, *shape)[0].to(dtype)

    def uniform(*shape: int, name: str = "x") -> Tensor:
        return noise.uniform(*batch, *shape, name=name)[0].to(dtype)

    match family:
        case "laplace" | "logistic" | "student_t":
            rows = [normal(D), uniform(D) + 0.5, 3 + uniform(D, name="df")]
            kind = {"laplace": Laplace, "logistic": Logistic, "student_t": StudentT}[family]
            return kind(torch.stack(rows[: 3 if family == "student_t" else 2], -2))
        case "multivariate_normal":
            L = 0.5 * normal(D, D).tril(-1) + torch.diag_embed(uniform(D) + 0.5)
            return MultivariateNormal.of(normal(D), L)
        case "gamma":
            return Gamma(uniform(2, D) + 1)
        case "beta":
            return Beta(uniform(2, D) + 1)
        case "dirichlet":
            return Dirichlet(uniform(D, 4) + 1)
        case "von_mises":
            return VonMises(torch.stack([normal(D), uniform(D) + 0.5], -2))
        case "poisson":
            return Poisson(2 * uniform(D) + 0.5)
        case "geometric":
            return Geometric(normal(D).clamp(-1, 1))
        case "subset":
            return Subset(normal(n), k)
    raise NotImplementedError(family)
