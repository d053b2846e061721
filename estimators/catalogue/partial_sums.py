"""Partial sums: some outcomes summed over, the rest sampled."""

from ..facts import Facts

ENTRIES = (
    Facts(
        name="rao_blackwell_topk",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="sum_{c in C} p(c) f(c) s(c) + (1 - p(C)) f(x) s(x), C the S - 1 most probable joint outcomes",
        source="Liu et al. 2019 (1810.04777)",
        min_samples=2,
    ),
    Facts(
        name="sum_and_sample",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="the name of rao_blackwell_topk in Kool et al. 2020",
        source="Liang et al. 2018 (1807.02322); Kool et al. 2020 (2002.06043)",
        min_samples=2,
        alias_of="rao_blackwell_topk",
    ),
    Facts(
        name="unordered_set",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="sum_{s in S} p(s) R(S, s) grad log p(s) (f(s) - its leave-one-out baseline), S without replacement",
        source="Kool et al. 2020 (2002.06043)",
        min_samples=2,
    ),
    Facts(
        name="indecater",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="sum_k grad p_d(k) mean_i f(x_i, its variable d set to k)",
        source="De Smet et al. 2023 (2311.12569)",
    ),
    Facts(
        name="local_expectation",
        families=("bernoulli", "categorical"),
        needs=("values",),
        unbiased=True,
        summary="indecater: the two agree where variables are independent",
        source="Titsias & Lazaro-Gredilla 2015 (1503.01494)",
        alias_of="indecater",
    ),
)
