"""The embedded server is private, leaves nothing behind, and dies with us however we die."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.executor.cache import embedded_server
from server.executor.cache.embedded_server import EmbeddedCacheError, start_embedded
from server.executor.cache.open_store import open_store

REPO = Path(__file__).parents[3]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def leftovers(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def wait_until_gone(pid: int, directory: Path) -> None:
    for _ in range(1000):
        if not alive(pid) and not directory.exists():
            return
        time.sleep(0.02)
    pytest.fail("the server or its directory outlived us")


async def test_it_is_private_and_writes_nothing_down(tmp_path: Path) -> None:
    server = await start_embedded([tmp_path])
    client = Redis.from_url(server.url)
    try:
        await client.set("name", b"x" * 100_000)
        assert (await client.config_get("save"))["save"] == ""
        assert (await client.config_get("appendonly"))["appendonly"] == "no"
        assert (await client.config_get("port"))["port"] == "0"
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "allkeys-lru"
        assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((server.directory / "s").stat().st_mode) == 0o700
    finally:
        await client.aclose()
        files = {path.name: path for path in server.directory.iterdir()}
        assert set(files) == {"s", "pid", "valkey.conf", "valkey.log"}
        assert all(b"xxx" not in path.read_bytes() for name, path in files.items() if name != "s")
        pid = server.pid
        await server.stop()
    assert not alive(pid)
    assert not server.directory.exists()
    assert leftovers(tmp_path) == []
    await server.stop()


async def test_stopping_a_server_that_is_dead_cleans_up(tmp_path: Path) -> None:
    server = await start_embedded([tmp_path])
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    assert leftovers(tmp_path) == []


HOLDER = """
import asyncio, sys, time
from pathlib import Path
from server.executor.cache.embedded_server import start_embedded
async def main():
    server = await start_embedded([Path(sys.argv[1])])
    print(server.pid, server.directory, flush=True)
    return server
server = asyncio.run(main())
if sys.argv[2] == "stay":
    time.sleep(60)
if sys.argv[2] == "raise":
    raise SystemExit(3)
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "leave", "raise"], ids=str)
def test_it_dies_with_us(tmp_path: Path, death: signal.Signals | str) -> None:
    how = "stay" if isinstance(death, signal.Signals) else death
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=REPO,
    )
    assert holder.stdout is not None
    with holder.stdout:
        pid, directory = holder.stdout.readline().split()
        if isinstance(death, signal.Signals):
            assert alive(int(pid))
            holder.send_signal(death)
        holder.wait()
    wait_until_gone(int(pid), Path(directory))


async def test_a_directory_too_long_for_a_socket_is_passed_over(tmp_path: Path) -> None:
    long, spaced, good = tmp_path / ("d" * 100), tmp_path / "a b", tmp_path / "c"
    for directory in (long, spaced, good):
        directory.mkdir()
    server = await start_embedded([tmp_path / "missing", long, spaced, good])
    await server.stop()
    assert server.directory.parent == good
    assert [list(directory.iterdir()) for directory in (long, spaced, good)] == [[], [], []]


async def test_without_a_directory_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedCacheError, match="no directory"):
        await start_embedded([tmp_path / "missing"])


async def test_a_server_that_fails_to_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded_server._SERVER_CONFIG, "no-such-setting", "yes")
    with pytest.raises(EmbeddedCacheError, match="did not start"):
        await start_embedded([tmp_path])
    assert leftovers(tmp_path) == []


async def test_where_it_cannot_start_we_go_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded_server._SERVER_CONFIG, "no-such-setting", "yes")
    store = await open_store()
    status = await store.status()
    assert (status.kind, status.reachable) == ("embedded", False)
    assert "did not start" in status.text
    await store.close()
