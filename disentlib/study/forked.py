"""Kernels that are there at once: forks of a process that has imported what pages use.

A kernel's own start costs five seconds of imports, as much as many a page. The server
of forks is multiprocessing's; it has read no page and runs no thread, so that a fork of
it is as good as a start.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from importlib.metadata import EntryPoint
from multiprocessing import forkserver, get_context, parent_process
from threading import Thread
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

NAME = "disentlib-forked"
# In parts: a page does not read all that is there before it runs (`imports`).
LIBRARY = __name__.partition(".")[0]
ROOMS = ("study.shown", "scoring.run", "training.loop")
IMPORTS = ("ipykernel.kernelapp", *(f"{LIBRARY}.{room}" for room in ROOMS))
SERVER = get_context("forkserver")


def start() -> None:
    """Start the server with what pages import, unless one runs.

    It begins where no matplotlibrc of a user's lies, see `kernels.surroundings`.
    """
    SERVER.set_forkserver_preload(list(IMPORTS))
    with chdir(tempfile.gettempdir()):
        forkserver.ensure_running()


class ForkedKernels(AsyncKernelManager):
    """Jupyter's manager of a kernel, which is started as a fork."""

    @property
    def kernel_spec(self) -> KernelSpec | None:
        """The kernel's specification, which names who starts it."""
        if (found := super().kernel_spec) is not None:
            found.metadata["kernel_provisioner"] = {"provisioner_name": NAME}
        return found


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as Jupyter's own provisioner does, by a fork."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **given: Any) -> KernelConnectionInfo:
        """Start the kernel of the command `… -m ipykernel_launcher ARGUMENTS`."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.process = Fork(arguments, given.get("cwd"), given["env"])
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class Fork:
    """A kernel's process, with as much of `subprocess.Popen` as Jupyter asks for."""

    stdin = stdout = stderr = None

    def __init__(
        self,
        arguments: Sequence[str],
        folder: str | None,
        environment: Mapping[str, str],
    ) -> None:
        given = (list(arguments), folder or os.getcwd(), dict(environment))
        self._process = SERVER.Process(target=_kernel, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Its exit code, once it has ended."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to it."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM to it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to it."""
        self.send_signal(signal.SIGKILL)


def _kernel(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    os.setsid()  # as Jupyter has it: a signal to its group reaches what it starts
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    Thread(target=_end_with_the_build, daemon=True).start()
    sys.argv = ["ipykernel_launcher", *arguments]
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def _end_with_the_build() -> None:
    """Wait for the process that asked for this kernel, and end with it."""
    if (build := parent_process()) is not None:
        build.join()
        os._exit(1)


KernelProvisionerFactory.provisioners[NAME] = EntryPoint(
    NAME, f"{__name__}:ForkedProvisioner", KernelProvisionerFactory.GROUP_NAME
)
