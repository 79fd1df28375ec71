import pytest

from tests.support.hosted_double import hosted_double
from tests.support.studio_process import KEYS, running_studio


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    """One serving studio for every test that only calls it."""
    with running_studio(tmp_path_factory.mktemp("home"), MOSAIC_STUDIO_KEYS=KEYS) as running:
        yield running


@pytest.fixture
def anna(studio):
    with studio.client("mk_anna") as client:
        yield client


@pytest.fixture
def ben(studio):
    with studio.client("mk_ben") as client:
        yield client


@pytest.fixture
def local(studio):
    """The client of this machine's user, who may hand over files by path."""
    with studio.client() as client:
        yield client


@pytest.fixture(scope="session")
def serving_double():
    """One serving double for all tests."""
    with hosted_double() as serving:
        yield serving


@pytest.fixture
def double(serving_double):
    """The hosted API's double, as new."""
    serving_double.reset()
    return serving_double
