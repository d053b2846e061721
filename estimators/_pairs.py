"""A coin as a choice between two classes: for methods that are written for one-hot vectors alone."""

import torch
from torch import Tensor

from .node import Node


def paired(node: Node, t: Tensor) -> Tensor:
    """Return logits or slopes per class [..., D, K]: a coin's own for class 1 and 0 for class 0."""
    return torch.stack([t, torch.zeros_like(t)], -1) if node.family == "bernoulli" else t


def unpaired(node: Node, t: Tensor) -> Tensor:
    """Return points or gradients [..., *event]: a coin's are those of class 1."""
    return t[..., 0] if node.family == "bernoulli" else t


def one_hot(node: Node, x: Tensor) -> Tensor:
    """Return points as one-hot vectors [..., D, K]: class 1 first, then class 0."""
    return torch.stack([x, 1 - x], -1) if node.family == "bernoulli" else x
