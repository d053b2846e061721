"""Tucker et al. 2017, Grathwohl et al. 2018: the toy problem of REBAR and RELAX."""

from ...frame import Frame, Record
from ..exact import quadratic_coins, rebar
from ..result import Curve, Panel, Point, Result, cell, meets_exact
from ..verdict import Below, Bias, Claim
from ._coins import QUADRATIC

TARGETS = (0.45, 0.499)
LOGITS = (0, 2)
TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0)


def _at(frame: Frame, target: float, estimator: str, logit: int = 0, **names: float) -> Record:
    return cell(frame, QUADRATIC, estimator, None, dim=1, logit=logit, target=target, **names)


def _curves(frame: Frame, target: float) -> dict[str, Curve]:
    level = _at(frame, target, "reinforce")
    best = {coupled: _at(frame, target, "rebar_fitted", coupled=coupled) for coupled in (False, True)}
    return {
        "reinforce": Curve(
            "reinforce", [Point(t, level, quadratic_coins(0, target).reinforce()) for t in TEMPERATURES]
        ),
        "rebar": Curve(
            "rebar, η = 1",
            [Point(t, _at(frame, target, "rebar", temperature=t), rebar(0, target, t)) for t in TEMPERATURES],
        ),
        "rebar_fitted": Curve("rebar, fitted", [Point(t, best[False]) for t in TEMPERATURES]),
        "rebar_coupled": Curve("rebar, coupled, fitted", [Point(t, best[True]) for t in TEMPERATURES], variant=1),
        "relax": Curve("relax", [Point(t, _at(frame, target, "relax", temperature=t)) for t in TEMPERATURES]),
    }


def _panels(frame: Frame) -> list[Panel]:
    return [
        Panel(f"t = {t}, logit 0", "temperature τ", list(_curves(frame, t).values()), logarithmic=True) for t in TARGETS
    ]


def _claims(frame: Frame) -> list[Claim]:
    at = {t: _curves(frame, t) for t in TARGETS}
    known = [at[t][name] for t in TARGETS for name in ("reinforce", "rebar")]
    unbiased = [
        Bias(f"{curve.label}, t = {t}, τ = {point.x:g}", point.cell, expected=False)
        for t in TARGETS
        for name in ("rebar", "relax")
        for curve in [at[t][name]]
        for point in curve.points
    ]
    fitted = [
        Below(
            f"logit {logit}, t = {t}",
            _at(frame, t, "rebar_fitted", logit, coupled=True),
            _at(frame, t, "reinforce", logit),
        )
        for logit in LOGITS
        for t in TARGETS
    ]
    noise = Below(
        "logit 0, t = 0.499", _at(frame, 0.499, "reinforce"), _at(frame, 0.499, "rebar_fitted", coupled=False)
    )
    relax = [
        Below(f"t = {t}, τ = {a.x:g}", a.cell, b.cell)
        for t in TARGETS
        for a, b in zip(at[t]["relax"].points, at[t]["rebar_coupled"].points, strict=True)
    ]
    return [
        Claim("REBAR and RELAX are unbiased", True, unbiased),
        Claim(
            "REBAR with coupled noise, η and τ fitted, has a lower variance than REINFORCE, asked of this coin",
            True,
            fitted,
        ),
        Claim("where no η can gain, a fitted one with noise of its own does harm", False, [noise]),
        Claim("RELAX has a lower variance than either (the order could not be read)", False, relax),
        meets_exact("the variances of REINFORCE and of REBAR at η = 1 are the exact ones at every τ", known, along="τ"),
    ]


RESULT = Result(
    name="rebar-toy",
    title="The toy problem of REBAR and RELAX",
    source="Tucker et al. 2017 (1703.07370); Grathwohl et al. 2018 (1711.00123)",
    setting="One coin at logit 0 (the figure) and 2, f = (b - t)^2, t = 0.45 and 0.499; REBAR with z~ of its own "
    "noise (η = 1, or fitted) and coupled (fitted); what is fitted is then frozen.",
    printed="The papers draw log variance along training and print no numbers; REBAR's abstract claims low variance "
    "without bias. Here theta stands still; exact variances are by quadrature over both noises. By them no η at any τ "
    "of the figure gains a part in a billion with noise of its own at logit 0 and t = 0.499: a fitted η is noise, and "
    "harms.",
    caption="Variance against temperature; REINFORCE and fitted REBAR have none and are levels.",
    panels=_panels,
    claims=_claims,
)
