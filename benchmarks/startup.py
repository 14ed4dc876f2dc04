"""The server as a process: the time from its start until it is ready, and its memory then.

Its bytecode is cached, as after an installation by pip, after a first run, and in the image.  Where the environment
forbids Python to write bytecode, every start would be a first one: so the child processes use a cache folder of their
own, which the first of them fills; that one is reported separately.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from benchmarks.charts import kidney
from benchmarks.measure import Sizes, Spread
from benchmarks.report import Part, Row
from benchmarks.sandbox import sandbox
from fixtures.child import Child
from fixtures.ports import HOST, listen, port_of

_READY_WITHIN = 60.0


async def run(sizes: Sizes) -> Part:
    """The time until ``/ready`` answers 200, and the memory, with that of the cache's process."""
    times, fresh = [], []
    with (
        sandbox({"p1": kidney("p1")}, sizes.latency) as base_url,
        tempfile.TemporaryDirectory(prefix="medtwin-bench-") as compiled,
    ):
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = compiled
        first, _ = _start(base_url, env)
        for _ in range(sizes.starts):
            elapsed, resident = _start(base_url, env)
            times.append(elapsed)
            fresh.append(resident)
    return Part(
        (
            Row("ready after start", Spread.of(times), "s", 3),
            Row("ready after the first start of all", Spread.of([first]), "s", note="everything compiled and kept"),
            Row("resident, with the embedded cache", Spread.of(fresh), "MB", 350, "before the first question"),
        )
    )


def _start(base_url: str, env: Mapping[str, str]) -> tuple[float, float]:
    listener = listen(None, "")
    port = port_of(listener)
    listener.close()
    with tempfile.TemporaryDirectory(prefix="medtwin-bench-") as name:
        settings = Path(name) / "medtwin.toml"
        settings.write_text(
            f'[server]\nhost = "{HOST}"\nport = {port}\n[[sources]]\nid = "ehr"\nbase_url = "{base_url}"\n',
            encoding="utf-8",
        )
        start = time.perf_counter()
        with Child("server", ["serve", "--config", str(settings)], Path(name) / "log", env=env) as process:
            _wait(f"http://{HOST}:{port}/ready", process, start)
            return time.perf_counter() - start, resident(process.pid)


def _wait(url: str, process: Child, start: float) -> None:
    with httpx.Client(timeout=5, trust_env=False) as client:
        while time.perf_counter() - start < _READY_WITHIN:
            process.require_running()
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.02)
    raise TimeoutError("the server was not ready")


def resident(pid: int) -> float:
    """Resident memory of a process and its children, in megabytes (10⁶ bytes); Linux only."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    children = " ".join(each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children")).split()
    return own * 1024 / 1e6 + sum(resident(int(child)) for child in children)
