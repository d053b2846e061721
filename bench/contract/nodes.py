"""Nodes that the contract is checked on: small ones of each family, a batch of them, and the edges."""

import math

import torch
from torch import Tensor

from ...estimators.families.bernoulli import Bernoulli
from ...estimators.families.beta import Beta
from ...estimators.families.categorical import Categorical
from ...estimators.families.dirichlet import Dirichlet
from ...estimators.families.gamma import Gamma
from ...estimators.families.geometric import Geometric
from ...estimators.families.laplace import Laplace
from ...estimators.families.logistic import Logistic
from ...estimators.families.multivariate_normal import MultivariateNormal
from ...estimators.families.normal import Normal
from ...estimators.families.poisson import Poisson
from ...estimators.families.student_t import StudentT
from ...estimators.families.subset import Subset
from ...estimators.families.von_mises import VonMises
from ...estimators.node import Node


def tensor(*numbers: float) -> Tensor:
    """Return a vector in float64."""
    return torch.tensor(numbers, dtype=torch.float64)


ONE: dict[str, Node] = {  # the smallest of a family: one variable, where it has several
    "bernoulli": Bernoulli(tensor(1.0)),
    "categorical": Categorical(tensor(1.0, -0.5, 0.2).reshape(1, 3)),
    "normal": Normal(tensor(0.5, 1.3).reshape(2, 1)),
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
SEVERAL: dict[str, Node] = {
    "bernoulli": Bernoulli(tensor(2.0, -0.7)),
    "categorical": Categorical(tensor(1.0, -0.5, 0.2, -2.0, 0.7, 0.1).reshape(2, 3)),
    "normal": Normal(tensor(0.5, -1.0, 1.3, 0.4).reshape(2, 2)),
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
INF = math.inf
EDGES: dict[str, dict[str, Tensor]] = {  # parameters, by family
    "bernoulli": {
        "logits of +-50": tensor(50.0, -50.0, 0.0),
        "probabilities that underflow": tensor(2000.0, -2000.0, 0.3),
        "a masked coin": tensor(-INF, 0.5),
    },
    "categorical": {
        "logits of +-50": tensor(50.0, -50.0, 0.0, -50.0, 0.0, 50.0).reshape(2, 3),
        "probabilities that underflow": tensor(2000.0, -2000.0, 0.0, 0.0, 0.0, -2000.0).reshape(2, 3),
        "masked classes": tensor(0.3, -INF, 0.1, -INF, -INF, 0.5).reshape(2, 3),
        "one class": tensor(0.7, 0.2).reshape(2, 1),
    },
    "normal": {
        "scales of 1e-6 and 1e3": tensor(-1e3, 0.0, 1e-6, 1e3).reshape(2, 2),
    },
}


def batch(node: Node, size: int = 3) -> Node:
    """Return a batch of nodes, each at other parameters: theta times 1, 0.8, 1.1, ..."""
    factors = tensor(1.0, 0.8, 1.1)[:size].to(node.theta.dtype)
    return node.with_theta(factors.reshape(-1, *(1,) * node.theta.ndim) * node.theta)
