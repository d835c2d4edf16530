"""A real SLURM of one node on this machine, for the life of a `with`: Debian's packages slurm-wlm and munge, as root.

The node claims more than the machine has: 8 processors and 4 cards, which are second names of /dev/null. A job that
takes more memory than it asked for is ended. There is no accounting. All it writes is below its folder, except two
links in /etc/slurm: Snakemake's job steps do not hand on SLURM_CONF, so programs have to find the configuration there.
"""

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

ETC = Path("/etc/slurm")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol")
CARDS = 4
CONFIGURATION = """
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/controller/pid
SlurmdPidFile={folder}/node/pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
RebootProgram=/bin/false
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=5
KillWait=5
MinJobAge=300
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 NodeHostname={host} CPUs=8 RealMemory=32000 Gres=gpu:{cards} State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=24:00:00 DefMemPerCPU=500 State=UP
PartitionName=gpu Nodes={host} MaxTime=24:00:00 DefMemPerCPU=500 State=UP
"""


def why_not() -> str | None:
    """Say why SLURM cannot be started here, or None."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"no {missing[0]} here (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "only root can start SLURM's daemons"
    if (ETC / "slurm.conf").exists():
        return f"{ETC}/slurm.conf is another SLURM's"
    return None


class LocalSlurm:
    """See the module."""

    def __init__(self) -> None:
        self.host = socket.gethostname().split(".")[0]
        self.folder = Path(tempfile.mkdtemp(prefix="slurm_"))
        self.printed = self.folder / "none"  # what else to show when something is waited for in vain
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        try:
            self._configure()
            munge = self.folder / "munge"
            self._daemon(
                *("munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket"),
                *(f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"),
            )
            self.wait("munge", lambda: done("munge", "-n", f"--socket={munge}/socket"))
            self._daemon("slurmctld", "-D")
            self.wait("slurmctld", lambda: done("scontrol", "ping"))
            self._daemon("slurmd", "-D", "-N", self.host)
            self.wait("an idle node", lambda: output("sinfo", "-h", "-N", "-o", "%T").split()[0] == "idle")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if len(self._daemons) > 1:
            subprocess.run(["scancel", "--user", "root"], check=False, timeout=10)
            self.wait("the end of the jobs", lambda: not output("squeue", "-h"))
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        for name in ("slurm.conf", "gres.conf"):
            (ETC / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def wait(self, what: str, is_so: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until `is_so`, or fail with the daemons' logs."""
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > end:
                logs = [
                    path.read_text(errors="replace")[-2000:]
                    for path in [*self.folder.glob("*.log"), self.printed]
                    if path.exists()
                ]
                raise AssertionError("\n".join([f"waited in vain for {what}", *logs]))
            time.sleep(0.1)

    def jobs(self) -> dict[str, str]:
        """Return the state of every waiting or running job by `number rule`, which Snakemake keeps in the comment."""
        lines = output("squeue", "-h", "-o", "%i|%T|%k").splitlines()
        return {f"{number} {comment}": state for number, state, comment in (line.split("|", 2) for line in lines)}

    def node(self, state: str) -> None:
        """Set the node's state."""
        subprocess.run(["scontrol", "update", f"nodename={self.host}", f"state={state}", "reason=test"], check=True)

    def partition(self, name: str, change: str) -> None:
        """Change a setting of a partition."""
        subprocess.run(["scontrol", "update", f"PartitionName={name}", change], check=True)

    def _daemon(self, *command: str) -> None:
        with open(self.folder / f"{command[0]}.out", "w") as log:
            self._daemons.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))

    def _configure(self) -> None:
        self.folder.chmod(0o755)
        for name in ("munge", "controller", "node", "cards"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        for number in range(CARDS):
            os.mknod(self.folder / f"cards/gpu{number}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(
            f"AutoDetect=off\nNodeName={self.host} Name=gpu File={self.folder}/cards/gpu[0-{CARDS - 1}]\n"
        )
        ports = [free_port(), free_port()]
        text = CONFIGURATION.format(
            host=self.host, folder=self.folder, cards=CARDS, controller_port=ports[0], node_port=ports[1]
        )
        (self.folder / "slurm.conf").write_text(text)
        ETC.mkdir(exist_ok=True)
        for name in ("slurm.conf", "gres.conf"):
            (ETC / name).unlink(missing_ok=True)  # a link that a killed run left, to a folder that is gone
            (ETC / name).symlink_to(self.folder / name)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def done(*command: str) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
