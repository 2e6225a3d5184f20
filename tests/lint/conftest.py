"""The shop is drawn and built once; a test that plants a fault gets a copy."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lint.shop import Shop, open_shop


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = open_shop(tmp_path_factory.mktemp("shop") / "shop")
    shop.build("--thumbnails", "3000")
    return shop


@pytest.fixture
def shop(drawn: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(drawn.folder, tmp_path / "shop")
    return replace(drawn, folder=tmp_path / "shop")
