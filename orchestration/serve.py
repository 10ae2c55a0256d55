"""Processes that stay: Dagster's UI with its daemon, and a page on the loopback address."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
from pathlib import Path


def serve_dagster(workspace: Path, host: str, port: int) -> int:
    """Run the webserver and the daemon until one of them ends or Ctrl-C; returns an exit code.

    Two processes and not `dagster dev`: that one also watches for development and keeps temporary state.
    """
    folder = Path(sys.executable).parent
    tools = [shutil.which(name, path=str(folder)) or name for name in ("dagster-webserver", "dagster-daemon")]
    commands = [
        [tools[0], "-w", str(workspace), "-h", host, "-p", str(port)],
        [tools[1], "run", "-w", str(workspace)],
    ]
    running = [subprocess.Popen(command, cwd=workspace.parent) for command in commands]
    try:
        while True:
            for process in running:
                try:
                    return process.wait(timeout=0.5)
                except subprocess.TimeoutExpired:
                    continue
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def serve_page(page: Path, host: str, port: int) -> None:
    """Serve ``page`` at ``/`` of its folder until Ctrl-C. ``OSError`` where the port is taken."""

    class Page(http.server.SimpleHTTPRequestHandler):
        """Serves files, and the page itself for the bare address."""

        def do_GET(self) -> None:
            """Answer one request."""
            if self.path in ("/", "/index.html"):
                self.path = f"/{page.name}"
            super().do_GET()

    handler = functools.partial(Page, directory=str(page.parent))
    with http.server.ThreadingHTTPServer((host, port), handler) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
