"""Cascades: calibrated confidence, and when a check is good enough to pay."""

from __future__ import annotations

import json

import numpy as np
import pytest

from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.cascades.calibration import Calibration, Check, CostAndSuccess
from windsock.core.cascades.cascade_arm import CascadeArm, CheckRates, compose
from windsock.core.cascades.confidence import Confidences
from windsock.core.model.requests import Cell

CHEAP = CostAndSuccess(usd=1e-5, success=0.8)
STRONG = CostAndSuccess(usd=1e-3, success=0.95)
BOTH = (CHEAP, STRONG)


def test_an_overconfident_model_is_calibrated_to_its_measured_rate() -> None:
    rng = np.random.default_rng(0)
    calibration = Calibration()
    for _ in range(20_000):
        claim = float(rng.uniform(0.5, 1.0))
        calibration.learn(claim, float(rng.random() < claim - 0.3))
    for claim in (0.6, 0.75, 0.95):
        assert calibration.rate(claim) == pytest.approx(claim - 0.3, abs=0.04)


def test_calibrated_confidence_rises_with_the_claim() -> None:
    rng = np.random.default_rng(1)
    calibration = Calibration()
    for _ in range(100):
        calibration.learn(float(rng.random()), float(rng.random() < 0.5))
    curve = calibration.curve()
    assert curve == sorted(curve)


def test_without_evidence_the_claim_is_believed() -> None:
    assert Calibration().rate(0.85) == pytest.approx(0.85, abs=0.03)


def made(check: Check, threshold_kept: float) -> CascadeArm:
    """The cascade of both, by a check that keeps so many answers; its rates are well known."""
    kept_right = CHEAP.success * check.right_passed
    rates = CheckRates(
        kept=threshold_kept,
        kept_success=kept_right / threshold_kept,
        kept_rewards=1e6,
        unsure=0.0,
        judged=1e6,
        check=check,
    )
    cheap, strong = ((each.usd, (each.success * 1e6, (1 - each.success) * 1e6)) for each in BOTH)
    return compose(("cheap", *cheap), ("strong", *strong), rates, None)


def test_a_perfect_check_buys_the_strong_models_success_for_the_wrong_answers_alone() -> None:
    arm = made(Check(wrong_found=1.0, right_passed=1.0), threshold_kept=0.8)
    assert arm.a / (arm.a + arm.b) == pytest.approx(0.8 + 0.2 * 0.95)
    assert arm.usd == pytest.approx(1e-5 + 0.2 * 1e-3)


def test_a_good_check_pays_and_a_blind_one_does_not() -> None:
    good = made(Check(wrong_found=0.9, right_passed=0.8), threshold_kept=0.8 * 0.8 + 0.2 * 0.1)
    blind = made(Check(wrong_found=0.5, right_passed=0.5), threshold_kept=0.5)
    assert good.gain > 0.03 and good.pays
    assert blind.gain <= 1e-9 and not blind.pays


def test_the_check_is_measured_at_its_threshold() -> None:
    """90 right and 10 wrong answers say 0.95, 50 wrong ones say 0.3; SHRINK blurs it a little."""
    known, cell = Confidences(BeliefSettings()), Cell("default", "auto", "chat")
    for claim, right, wrong in ((0.95, 90, 10), (0.3, 0, 50)):
        known.count(cell, "cheap", claim, right + wrong)
        known.calibrate(cell, "cheap", claim, 1.0, right)
        known.calibrate(cell, "cheap", claim, 0.0, wrong)
    arm = known.compound(cell, ("cheap", 1e-5, (9.0, 6.0)), ("strong", 1e-3, (19.0, 1.0)), 0.8)
    assert arm is not None
    assert arm.sieve.kept == pytest.approx(100 / 150)
    assert arm.sieve.check.wrong_found == pytest.approx(50 / 60, abs=0.02)
    assert arm.sieve.check.right_passed == pytest.approx(1.0, abs=0.03)


def test_calibration_survives_a_restart() -> None:
    calibration, other = Calibration(), Calibration()
    calibration.learn(0.7, 1.0)
    other.from_state(json.loads(json.dumps(calibration.to_state())))
    assert other.curve() == calibration.curve()
