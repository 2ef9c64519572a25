"""An address that other hosts can reach is not served without credentials."""

import pytest

from api.server import run
from config import Settings
from errors import BadDeclaration


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "tether.test"])
def test_public_address_is_refused_without_credentials(database_url: str, host: str) -> None:
    with pytest.raises(BadDeclaration, match="TETHER_ADMIN_KEY"):
        run(Settings(host=host, port=0, database_url=database_url))
