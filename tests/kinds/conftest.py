"""Two small trained models, a linear one and one of trees, written once a file of tests."""

import pytest

from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from tests.support.trained_models import DTYPE, TREE, boosted, catalog_with_models, logistic, write_model


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), id="linear")
    write_model(folder, boosted(), "tree-path-dependent", (TREE,), id="tree")
    return catalog_with_models(folder)


@pytest.fixture
def linear(catalog: Catalog) -> Description:
    return catalog.modules["test-linear"]


@pytest.fixture
def tree(catalog: Catalog) -> Description:
    return catalog.modules["test-tree"]
