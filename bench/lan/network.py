"""Hosts on one machine: namespaces with a name and an address of their own, on one bridge.

Each host is a network and a UTS namespace, joined to the bridge by a veth pair; file system and
processes are shared, as an archive on NFS would be. Nothing is left in the machine's own network,
and the kernel takes everything away when this process dies, however it dies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.faults.services import Child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Of the addresses for private use (RFC 1918): nobody outside of the namespaces sees them.
SUBNET = IPv4Network("10.77.0.0/16")

_TOOLS = ("ip", "nsenter", "setpriv", "tc", "unshare")

# Says when the namespaces are there, then only holds them.
_HOLD = 'hostname "$0" && echo ready && exec sleep infinity'


class Host:
    """A host with a name and an address.

    Args:
        name: what its processes take for the name of the machine.
        address: in `SUBNET`.
        pid: of a process that lives there.
    """

    def __init__(self, name: str, address: str, pid: int) -> None:
        self.name = name
        self.address = address
        self._pid = pid

    def command(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, user: str = ""
    ) -> Child:
        """A process on this host, not started yet; it dies with this one.

        Args:
            command: its command line.
            environment: of the process.
            log: a file that gets all it prints.
            user: as whom it runs, if not as this one.
        """
        enter = [tool("nsenter"), "--target", str(self._pid), "--net", "--uts", "--"]
        drop = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
        limit = [tool("setpriv"), *drop, "--pdeathsig", "KILL", "--"]
        return Child([*enter, *limit, *command], environment, log)

    @property
    def traffic(self) -> int:
        """Packets that it has sent and received."""
        lines = Path(f"/proc/{self._pid}/net/dev").read_text().splitlines()
        fields = next(line.split() for line in lines if line.strip().startswith("eth0:"))
        return int(fields[2]) + int(fields[10])


class Network:
    """A bridge and the hosts on it; use it as a context manager.

    Args:
        delay: milliseconds that a packet takes to leave a host.

    Attributes:
        delay: the same; 0 where the kernel cannot delay packets (it has no netem).
    """

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay
        self._addresses = SUBNET.hosts()
        self._stack = ExitStack()
        self._switch = 0

    def __enter__(self) -> Self:
        """Make the bridge.

        Raises:
            SystemExit: when this machine or user cannot have namespaces.
        """
        why = obstacle()
        if why is not None:
            raise SystemExit(why)
        self._switch = self._hold("switch")
        _configure(self._switch, "link add lan type bridge", "link set lan up")
        return self

    def __exit__(self, *_exception: object) -> None:
        """Take all hosts away."""
        self._stack.close()

    def host(self, name: str) -> Host:
        """A new host of that name."""
        pid, address = self._hold(name), str(next(self._addresses))
        port = f"port{pid}"
        _configure(
            self._switch,
            f"link add {port} type veth peer name eth0 netns {pid}",
            f"link set {port} master lan up",
        )
        _configure(
            pid,
            f"address add {address}/{SUBNET.prefixlen} dev eth0",
            "link set eth0 up",
            "link set lo up",
        )
        if self.delay and not _delay(pid, self.delay):
            self.delay = 0.0
        return Host(name, address, pid)

    def _hold(self, name: str) -> int:
        """A process in namespaces of its own."""
        command = [tool("setpriv"), "--pdeathsig", "KILL", "--"]
        command += [tool("unshare"), "--net", "--uts", "--", "/bin/sh", "-c", _HOLD, name]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        self._stack.enter_context(holder)
        self._stack.callback(holder.kill)
        assert holder.stdout is not None  # noqa: S101  # it is a pipe
        if holder.stdout.readline() != b"ready\n":
            raise SystemExit(f"the host {name} cannot be made: see the message above")
        return holder.pid


def obstacle() -> str | None:
    """Why there can be no hosts here, in one line; None where they can be."""
    if os.geteuid() != 0:
        return "network namespaces need root: run this with sudo"
    missing = [name for name in _TOOLS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing: install iproute2 and util-linux"
    tried = subprocess.run(
        [tool("unshare"), "--net", "--uts", "--", tool("ip"), "link", "add", "x", "type", "bridge"],
        check=False,
        capture_output=True,
    )
    return None if tried.returncode == 0 else "this machine allows no network namespaces or bridges"


def tool(name: str) -> str:
    """The path of a program."""
    return shutil.which(name) or name


def _configure(pid: int, *lines: str) -> None:
    enter = [tool("nsenter"), "--target", str(pid), "--net", "--"]
    subprocess.run([*enter, tool("ip"), "-batch", "-"], input="\n".join(lines).encode(), check=True)


def _delay(pid: int, milliseconds: float) -> bool:
    """Have packets leave late; whether the kernel can do that."""
    enter = [tool("nsenter"), "--target", str(pid), "--net", "--"]
    qdisc = ["qdisc", "add", "dev", "eth0", "root", "netem", "delay", f"{milliseconds:g}ms"]
    done = subprocess.run([*enter, tool("tc"), *qdisc], check=False, capture_output=True)
    return done.returncode == 0
