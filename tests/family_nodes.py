"""Nodes of the further families, for the grids of tests."""

import torch
from torch import Tensor

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


def tensor(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


FAMILY_NODES: dict[str, Node] = {  # small ones, for exact sums and quadrature
    "laplace": Laplace(tensor(0.5, 1.3).reshape(2, 1)),
    "logistic": Logistic(tensor(0.5, 1.3).reshape(2, 1)),
    "student_t": StudentT(tensor(0.5, 1.3, 9.0).reshape(3, 1)),
    "multivariate_normal": MultivariateNormal(tensor(0.5, -0.3, 1.2, -0.4, 0.8)),
    "gamma": Gamma(tensor(1.7, 1.3).reshape(2, 1)),
    "beta": Beta(tensor(1.7, 2.3).reshape(2, 1)),
    "dirichlet": Dirichlet(tensor(1.7, 2.3, 1.2).reshape(1, 3)),
    "von_mises": VonMises(tensor(2.5, 1.4).reshape(2, 1)),
    "poisson": Poisson(tensor(1.7)),
    "geometric": Geometric(tensor(0.8)),
    "subset": Subset(tensor(1.0, -0.5, 0.2, -2.0), 2),
}
TWO_OF_A_FAMILY: dict[str, Node] = {
    "laplace": Laplace(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2)),
    "logistic": Logistic(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2)),
    "student_t": StudentT(tensor(0.5, -1.0, 1.3, 0.4, 9.0, 12.0).reshape(3, 2)),
    "multivariate_normal": MultivariateNormal(tensor(0.5, -0.3, 1.0, 1.2, -0.4, 0.8, 0.1, 0.6, 0.7)),
    "gamma": Gamma(tensor(1.7, 3.0, 1.3, 0.7).reshape(2, 2)),
    "beta": Beta(tensor(1.7, 1.1, 2.3, 1.6).reshape(2, 2)),
    "dirichlet": Dirichlet(tensor(1.7, 2.3).reshape(1, 2)),  # one variable of two classes
    "von_mises": VonMises(tensor(2.5, -1.0, 1.4, 0.3).reshape(2, 2)),
    "poisson": Poisson(tensor(1.7, 0.6)),
    "geometric": Geometric(tensor(0.8, 1.5)),
    "subset": Subset(tensor(1.0, -0.5, 0.2, -2.0, 0.7), 3),
}


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
