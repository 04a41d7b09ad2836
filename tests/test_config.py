import pytest

from vjnode.config import parse_address
from vjnode.errors import InputError


def test_addresses():
    assert parse_address("127.0.0.1:9010") == ("127.0.0.1", 9010)


@pytest.mark.parametrize("text", ["9010", ":9010", "host:", "host:0", "host:65536", "host:x", ""])
def test_no_address_is_told(text):
    with pytest.raises(InputError, match="HOST:PORT"):
        parse_address(text)
