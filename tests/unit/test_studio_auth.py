import pytest

from mosaic_mcp.errors import Forbidden, Unauthorized
from mosaic_mcp.studio import auth
from mosaic_mcp.studio.auth import Caller, Keys

KEYS = Keys([("mk_anna", "anna"), ("mk_ben", "ben")], token="secret")


def test_a_key_stands_for_its_owner():
    assert KEYS.caller("Bearer mk_ben") == Caller("ben")


def test_only_the_discovery_token_shares_the_files_of_the_machine():
    assert KEYS.caller("bearer secret") == Caller("local", local=True)
    assert not KEYS.caller("Bearer mk_anna").local


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic mk_anna", "mk_anna"])
def test_a_header_without_a_bearer_key_is_refused(header):
    with pytest.raises(Unauthorized, match="No API key"):
        KEYS.caller(header)


@pytest.mark.parametrize("key", ["mk_ann", "mk_annaa", "anna", "ключ"])
def test_an_unknown_key_is_refused(key):
    with pytest.raises(Unauthorized, match="not known"):
        KEYS.caller(f"Bearer {key}")


def test_without_a_token_only_keys_count():
    with pytest.raises(Unauthorized):
        Keys([("mk_anna", "anna")]).caller("Bearer secret")


def test_only_the_user_of_the_machine_may_act_for_others():
    acting = KEYS.acting("Bearer secret", "anna", "https://video.example.org")
    assert acting == Caller("anna", local=True, links_at="https://video.example.org")
    assert not acting.here
    assert KEYS.acting("Bearer secret", None).here
    for key in ("mk_anna", "mk_ben"):
        with pytest.raises(Forbidden):
            KEYS.acting(f"Bearer {key}", "anna")


@pytest.mark.parametrize("owner", ["", "local", "two words", "änne", "a" * 256, "a\nb"])
def test_nobody_acts_for_an_owner_that_is_none(owner):
    with pytest.raises(Forbidden):
        KEYS.acting("Bearer secret", owner)


def test_every_key_is_compared_by_its_digest_in_constant_time(monkeypatch):
    """Comparing them as texts, or stopping at the first that fits, would tell by its time."""
    compared: list[tuple[bytes, bytes]] = []

    def constant(given: bytes, known: bytes) -> bool:
        compared.append((given, known))
        return given == known

    monkeypatch.setattr(auth.hmac, "compare_digest", constant)
    KEYS.caller("Bearer mk_anna")
    assert len(compared) == 3, "also those after the one that fits"
    assert {len(part) for pair in compared for part in pair} == {32}
