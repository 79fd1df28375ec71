"""What the settings say of a quota, and what work costs."""

from fractions import Fraction

import pytest

from mosaic_mcp.contract.tiles.catalogue import TILE_TYPES, tile_type
from mosaic_mcp.errors import InvalidRequest
from mosaic_mcp.settings import Settings
from mosaic_mcp.studio.quota import Quota, credits_of
from mosaic_mcp.studio.runs.charging import node_units, units_of
from tests.support.tiles import source, timeline


def quota(**environment: str) -> Quota | None:
    said = Settings.from_env({f"MOSAIC_STUDIO_{k.upper()}": v for k, v in environment.items()})
    return Quota.of(said.studio_credits, said.studio_plans)


def test_without_the_setting_there_is_no_quota():
    assert quota() is None
    assert quota(plans="creator") is None


def test_everybody_begins_with_the_same_unless_named():
    found = quota(credits="60, anna=0.5")
    assert found is not None
    assert (found.starting("ben"), found.starting("anna")) == (60_000, 500)


def test_where_only_some_are_named_the_others_are_not_counted():
    found = quota(credits="anna=2")
    assert found is not None
    assert (found.starting("ben"), found.starting("anna")) == (None, 2000)


@pytest.mark.parametrize("text", ["many", "-1", "nan", "anna=x", "1e99"])
def test_a_wrong_number_is_named_with_what_to_write(text: str):
    with pytest.raises(InvalidRequest, match=r"MOSAIC_STUDIO_CREDITS.*Write 60"):
        quota(credits=text)


def test_the_plans_on_offer_are_all_or_those_named_or_none():
    offers = {
        text: [offer.id for offer in found.offers()]
        for text in ("", "creator,professional", "none")
        if (found := quota(credits="1", plans=text))
    }
    assert offers == {
        "": ["creator", "creator_annual", "professional", "professional_annual"],
        "creator,professional": ["creator", "professional"],
        "none": [],
    }


def test_an_unknown_plan_is_named_with_those_there_are():
    with pytest.raises(InvalidRequest, match=r"no plan gold.*Use creator"):
        quota(credits="1", plans="creator,gold")


@pytest.mark.parametrize(
    ("seconds", "units"),
    [(60, 1000), (90, 1500), (1, 17), (Fraction(1, 1000), 1), (0, 0), (3600, 60_000)],
)
def test_a_minute_is_a_credit_rounded_up_to_a_thousandth(seconds: int, units: int):
    assert units_of(Fraction(seconds)) == units


def test_thousandths_are_told_as_credits():
    assert [credits_of(units) for units in (2000, 1500, 1, 0)] == [2, 1.5, 0.001, 0]


def test_a_tile_costs_all_the_minutes_that_come_into_it():
    tile = tile_type("Montage")
    assert tile is not None
    inputs = [timeline(source(duration=30)), timeline(source(duration=60))]
    assert node_units(tile, inputs) == 1500


def test_what_brings_in_or_delivers_costs_nothing():
    inputs = [timeline(source(duration=60))]
    free = {tile.kind for tile in TILE_TYPES if not node_units(tile, inputs)}
    assert free == {"input", "destination", "trigger"}
