"""Oracle, rule and wrong twins of the delta method on the pathwise form."""

import torch
from torch import Tensor

from varbench.estimators import delta_method_pathwise

from ..exact_moments import RULES, over_normals
from ..surrogates import ORACLES, Gaussians
from ..twins import GAUSSIAN, twin, unbiased

RULES["delta_method_pathwise"] = over_normals


def expanded_along_the_path(v: Gaussians, *, state: Tensor, fit_rows: int) -> Tensor:
    """Mohamed et al. 2020: f along the path, less beta times h - E h along it; beta weighs the entries of the scale."""
    mu = v.loc.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(v.cost(mu).sum(), mu)
    e = v.noise.normal(v.S - 1, *v.x.shape[2:])
    scale = v.scale.detach() + state * (v.scale - v.scale.detach())
    h, mean_of_h = (slope * (v.loc + scale * e)).sum(-1), (slope * v.loc).sum(-1)
    return (v.cost(v.loc + v.scale * e) - h + mean_of_h).mean(1)


ORACLES["delta_method_pathwise"] = (expanded_along_the_path,)


@twin("delta_method_pathwise", unbiased(GAUSSIAN, 3))
def delta_method_pathwise_with_the_location_controlled_too(node, noise, points, values, slopes, *, state):
    right = delta_method_pathwise.combine(node, noise, points, values, slopes, state=state)
    return right - torch.stack([state * slopes[:, -1], torch.zeros_like(slopes[:, -1])], -2)


@twin("delta_method_pathwise", unbiased(GAUSSIAN, 3, S=1))
def delta_method_pathwise_expanded_at_the_sample(node, noise, points, values, slopes, *, state):
    at_x = torch.cat([slopes[:, :-1], slopes[:, :1]], 1)
    return delta_method_pathwise.combine(node, noise, points, values, at_x, state=state)


@twin("delta_method_pathwise", unbiased(GAUSSIAN, 3))
def delta_method_pathwise_without_the_noise_in_its_control(node, noise, points, values, slopes, *, state):
    plain = node.pathwise(points[:, :-1], slopes[:, :-1]).mean(1)
    return plain - torch.stack([torch.zeros_like(node.scale), state]) * slopes[:, -1].unsqueeze(-2)
