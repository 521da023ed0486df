"""Other releases of kaolabel, as source trees from which a cluster's processes run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from db import schema
from tests.command import PATIENCE
from tests.faults.cluster import HOOKS
from tests.faults.services import ROOT, Child, Worker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.cluster import Cluster

PARTS = ("kaolabel.py", "db", "worker", "producer", "training", "review", "monitor")
VERSIONS = "db/migrations/versions"

# A revision as the next release may have it: everything that is new may be empty.
NEXT = "9999"
_REVISION = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{NEXT}", "{{before}}"


def upgrade():
    op.create_table("plans", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("jobs", sa.Column("plan", sa.Text()))
    op.add_column("images", sa.Column("plan", sa.Text()))


def downgrade():
    op.drop_column("images", "plan")
    op.drop_column("jobs", "plan")
    op.drop_table("plans")
"""


class Release:
    """The source of a release.

    Args:
        tree: holds its packages.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    def worker(self, cluster: Cluster) -> Worker:
        """A worker of this release in a cluster, started, and ended with it."""
        log = cluster.folder / f"worker-{self.tree.name}.log"
        worker = Worker(self._environment(cluster), log, self.tree)
        cluster.workers.append(worker)
        worker.start()
        return worker

    def command(self, cluster: Cluster, *arguments: str) -> Child:
        """A command of this release in a cluster, started, and ended with it."""
        log = cluster.folder / f"{arguments[0]}-{self.tree.name}.log"
        command = [sys.executable, "-m", "kaolabel", *arguments]
        child = Child(command, self._environment(cluster), log, self.tree)
        cluster._commands.append(child)
        child.launch()
        return child

    def run(self, cluster: Cluster, *arguments: str) -> str:
        """Run a command of this release to its end; what it printed."""
        child = self.command(cluster, *arguments)
        code = child.wait(PATIENCE)
        said = child.log.read_text()
        assert code == 0, said
        return said

    def _environment(self, cluster: Cluster) -> dict[str, str]:
        # The hooks are those of today, whose package lies in ROOT.
        path = os.pathsep.join(str(one) for one in (HOOKS, self.tree, ROOT))
        return {**cluster.environment, "PYTHONPATH": path}


def next_release(tree: Path) -> Release:
    """The release after this one: a newer schema, newer messages, and another name."""
    tree.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tree / part)
    (tree / VERSIONS / f"{NEXT}_plans.py").write_text(_REVISION.format(before=schema.head()))
    version = tree / "db" / "version.py"
    version.write_text('__version__ = "next"\nJOB_VERSION = 2\n')
    return Release(tree)


def release_before(tree: Path) -> tuple[Release, str]:
    """The last release before the newest revision, out of the history; and its own revision.

    The test is skipped where there is no history.
    """
    (newest,) = (ROOT / VERSIONS).glob(f"{schema.head()}_*.py")
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest.name}").split()
    # One that is not in the history yet follows the newest commit.
    commit = f"{added[-1]}^" if added else "HEAD"
    there = set(_git("ls-tree", "--name-only", commit).split())
    parts = [part for part in PARTS if part in there]
    packed = tree.with_suffix(".tar")
    _git("archive", "--output", str(packed), commit, *parts)
    with tarfile.open(packed) as archive:
        archive.extractall(tree, filter="data")
    names = (tree / VERSIONS).glob("[0-9]*.py")
    return Release(tree), max(path.name.partition("_")[0] for path in names)


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git, to look into the history of kaolabel")
    done = subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the history of kaolabel is not here: {done.stderr.strip()}")
    return done.stdout
