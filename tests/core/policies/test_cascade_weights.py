"""Cascades: calibrated confidence, and when a check is good enough to pay."""

from __future__ import annotations

import json

import numpy as np
import pytest

from windsock.core.cascades.calibration import (
    Calibration,
    Check,
    CostAndSuccess,
    compound,
    gain_over_mixture,
)

CHEAP = CostAndSuccess(usd=1e-5, success=0.8)
STRONG = CostAndSuccess(usd=1e-3, success=0.95)


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


def test_a_perfect_check_buys_the_strong_models_success_for_the_wrong_answers_alone() -> None:
    made = compound(CHEAP, STRONG, Check(wrong_found=1.0, right_passed=1.0))
    assert made.success == pytest.approx(0.8 + 0.2 * 0.95)
    assert made.usd == pytest.approx(1e-5 + 0.2 * 1e-3)


def test_a_good_check_pays_and_a_blind_one_does_not() -> None:
    good = compound(CHEAP, STRONG, Check(wrong_found=0.9, right_passed=0.8))
    blind = compound(CHEAP, STRONG, Check(wrong_found=0.5, right_passed=0.5))
    assert gain_over_mixture(CHEAP, STRONG, good) > 0.03
    assert gain_over_mixture(CHEAP, STRONG, blind) <= 1e-9


def test_the_check_is_measured_at_its_threshold() -> None:
    calibration = Calibration()
    for _ in range(90):
        calibration.learn(0.95, 1.0)
    for _ in range(10):
        calibration.learn(0.95, 0.0)
    for _ in range(50):
        calibration.learn(0.3, 0.0)
    check = calibration.passes(0.8)
    assert check.wrong_found == pytest.approx(50 / 60)
    assert check.right_passed == 1.0


def test_calibration_survives_a_restart() -> None:
    calibration, other = Calibration(), Calibration()
    calibration.learn(0.7, 1.0)
    other.from_state(json.loads(json.dumps(calibration.to_state())))
    assert other.curve() == calibration.curve()
