"""Announcing OSCQuery, seen by another program that looks for it on this machine."""

import sys
from contextlib import closing

import pytest

from tests.events import wait_for
from tests.show.process import vjnode
from vjnode.errors import InputError, VjnodeError
from vjnode.show.oscquery.announcement import SERVICE, Announcement, _label

zeroconf = pytest.importorskip("zeroconf")

HOST = "127.0.0.1"


class Finder(zeroconf.ServiceListener):
    """Another program that looks for services, and asks again where nothing was told in time."""

    def __init__(self):
        self._names, self._known = set(), {}
        self._network = zeroconf.Zeroconf([HOST], ip_version=zeroconf.IPVersion.V4Only)
        zeroconf.ServiceBrowser(self._network, SERVICE, self)

    def add_service(self, zc, type_, name):
        del zc, type_
        self._names.add(name)

    update_service = add_service

    def remove_service(self, zc, type_, name):
        del zc, type_
        self._names.discard(name)

    def found(self):
        """Return addresses and port of each that is there, by name."""
        for name in self._names - self._known.keys():
            info = self._network.get_service_info(SERVICE, name, timeout=1000)
            if info is not None:
                self._known[name] = (info.parsed_addresses(), info.port)
        return {name: self._known[name] for name in self._names & self._known.keys()}

    def close(self):
        self._network.close()


def test_programs_find_two_nodes_and_see_each_go():
    with closing(Finder()) as finder:
        first, second = Announcement(HOST, 8360), Announcement(HOST, 8361)
        try:
            found = wait_for(lambda: len(told := finder.found()) == 2 and told)
            assert sorted(found.values()) == [([HOST], 8360), ([HOST], 8361)]
            assert all(name.startswith("vjnode") for name in found)
        finally:
            first.close()
            second.close()
        wait_for(lambda: not finder.found())


def test_all_addresses_of_a_machine_are_announced_without_its_own_loop():
    with closing(Announcement("0.0.0.0", 8362)) as announcement:  # noqa: S104
        told = announcement.info.parsed_addresses()
        assert told
        assert HOST not in told or told == [HOST]


def test_a_long_name_of_a_machine_still_makes_a_service():
    assert _label("studio.example", 8360) == "vjnode (studio, 8360)"
    assert _label("x" * 60, 8360) == "vjnode (8360)"


def test_without_the_package_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(VjnodeError, match=r"zeroconf, which is not installed: .*announce"):
        Announcement(HOST, 8360)


def test_what_cannot_be_announced_is_told():
    with pytest.raises(InputError, match="IPv4"):
        Announcement("::1", 8360)
    done = vjnode("run", "--announce")
    assert done.returncode == 2
    assert "add --oscquery 0.0.0.0:8360" in done.stderr
