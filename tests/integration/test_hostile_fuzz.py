"""The REST API against its own OpenAPI, by schemathesis (tests/support/fuzz.py)."""

import pytest

from tests.support.fuzz import EXAMPLES, fuzz, requests_in


@pytest.mark.long
@pytest.mark.short
def test_hundreds_of_fuzzed_requests_break_nothing():
    code, report = fuzz(8, seed=1, phases="fuzzing")
    assert code == 0, report
    assert requests_in(report) >= 300


@pytest.mark.long
def test_five_thousand_fuzzed_requests_break_nothing():
    code, report = fuzz(EXAMPLES, seed=2)
    assert code == 0, report
    assert requests_in(report) >= 5000
