"""Liu et al. 2019, Kool et al. 2020: three coins of one logit, variance against evaluations."""

from ...frame import Frame
from ..exact import joint, shared_coins, top_k, unordered_pair
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Claim

LOGITS = (0, -4)
SIZES = (2, 3, 4, 5, 6)


def _curves(frame: Frame, logit: int) -> dict[str, Curve]:
    law = shared_coins(logit)
    moments = joint(*law)
    exact = {
        "reinforce": moments.reinforce,
        "rloo": moments.rloo,
        "rao_blackwell_topk": lambda S: top_k(*law, S),
        "unordered_set": lambda S: unordered_pair(*law) if S == 2 else None,
    }
    return {
        name: Curve(name, [Point(S, cell(frame, "shared_bernoulli", name, S, logit=logit), value(S)) for S in SIZES])
        for name, value in exact.items()
    }


def _panels(frame: Frame) -> list[Panel]:
    return [Panel(f"logit {logit}", "evaluations of f", list(_curves(frame, logit).values())) for logit in LOGITS]


def _claims(frame: Frame) -> list[Claim]:
    at = {logit: _curves(frame, logit) for logit in LOGITS}

    def order(small: str, large: str) -> list[Below]:
        return [
            Below(f"logit {logit}, {a.x:g} evaluations", a.cell, b.cell)
            for logit in LOGITS
            for a, b in zip(at[logit][small].points, at[logit][large].points, strict=True)
        ]

    single = [
        Below(
            f"logit {logit}, {point.x:g} evaluations",
            point.cell,
            cell(frame, "shared_bernoulli", "reinforce", 1, logit=logit),
        )
        for logit in LOGITS
        for point in at[logit]["rao_blackwell_topk"].points
    ]
    equal = [check for check in order("rao_blackwell_topk", "reinforce") if "-4" in check.where]
    every = [curve for logit in LOGITS for curve in at[logit].values()]
    return [
        Claim(
            "samples without replacement give a lower variance than leave-one-out with them",
            True,
            order("unordered_set", "rloo"),
        ),
        Claim(
            "summing over the likeliest outcomes gives a lower variance than the one sample it begins from",
            True,
            single,
        ),
        Claim("where coins are rare, lower than REINFORCE at equal evaluations too", False, equal),
        meets_exact("variances are those of the enumeration of all outcomes", every, along="evaluations"),
    ]


RESULT = Result(
    name="shared-bernoulli",
    title="Three coins of one logit, variance against evaluations",
    source="Liu et al. 2019 (1810.04777); Kool et al. 2020 (2002.06043)",
    setting="f = sum (b - (0.6, 0.51, 0.48))^2 at logits 0 and -4, two to six evaluations a draw.",
    printed="Kool et al. say that leaving duplicates out reduces variance, Liu et al. that a Rao-Blackwell step "
    "does; both draw curves, whose numbers could not be read. Exact values: over all 8 outcomes; the unordered set's "
    "at two; none of the sum's at logit 0, where all outcomes tie.",
    caption="Variance against evaluations of f in one draw, even coins (left) and rare ones (right).",
    panels=_panels,
    claims=_claims,
)
