"""The default tools fit into the budget of the model's context."""

import pytest

from tests.benchmarks.count_tokens import BUDGET, table, tokens_of_tools

pytestmark = [pytest.mark.hosts, pytest.mark.short]


async def test_the_default_tools_cost_a_model_no_more_than_the_budget():
    tokens = await tokens_of_tools()
    assert sum(tokens.values()) <= BUDGET, f"\n{table(tokens)}"
