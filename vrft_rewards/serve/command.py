"""The command ``vrft-rewards serve``."""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..adapters.options import TASKS, TaskRewards
from ..arguments import Parser
from ..coordinates import SPACES
from ..profiles import PROFILES
from ..terminal import print_error
from .app import create_app
from .limits import Limits

__all__ = ["listen", "main", "parser"]


def parser() -> Parser:
    """Return the parser of the command's options."""
    limits = Limits()
    made = Parser(
        prog="vrft-rewards serve", description="Score completions over HTTP: POST /score, and /get_reward for OpenRLHF."
    )
    made.add_argument("--task", required=True, help=f"one of {', '.join(TASKS)}, or several with commas between")
    made.add_argument("--profile", default="default", choices=list(PROFILES))
    made.add_argument("--space", choices=SPACES, help="coordinate space of the answers")
    made.add_argument("--truth-space", choices=SPACES, help="coordinate space of the truth, if another one")
    made.add_argument("--labels", metavar="FILE", help="class names, one a line (classification)")
    made.add_argument("--aliases", metavar="FILE", help="a JSON object: further names of a class (classification)")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on; there is no password (%(default)s)")
    made.add_argument("--port", type=int, default=8000, help="0: any free one (%(default)s)")
    made.add_argument("--max-body", type=int, default=limits.max_body, metavar="BYTES", help="(%(default)s)")
    made.add_argument("--max-batch", type=int, default=limits.max_batch, metavar="N", help="(%(default)s)")
    made.add_argument("--max-requests", type=int, default=limits.max_requests, metavar="N", help="(%(default)s)")
    made.add_argument("--workers", type=int, default=limits.workers, metavar="N", help="scored at once (%(default)s)")
    made.add_argument("--grace", type=int, default=30, metavar="SECONDS", help="to finish when stopped (%(default)s)")
    made.add_argument("--openapi", action="store_true", help="print the OpenAPI description and end")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Returns 0, or 2 for bad options with one message on stderr."""
    arguments = parser().parse_args(argv)
    try:
        rewards = TaskRewards(
            arguments.task,
            profile=arguments.profile,
            labels=arguments.labels,
            aliases=arguments.aliases,
            space=arguments.space,
            truth_space=arguments.truth_space,
        )
        limits = Limits(
            max_body=arguments.max_body,
            max_held=8 * arguments.max_body,
            max_batch=arguments.max_batch,
            max_requests=arguments.max_requests,
            workers=arguments.workers,
        )
    except ValueError as error:
        return _refuse(str(error))
    try:
        import uvicorn

        app = create_app(rewards, limits)
    except ImportError as error:
        return _refuse(f"{error}; serving needs the extra: pip install 'vrft[serve]'")
    if arguments.openapi:
        print(json.dumps(app.openapi(), indent=2))
        return 0
    try:
        listener = listen(arguments.host, arguments.port)
    except OSError as error:
        return _refuse(f"--host {arguments.host} --port {arguments.port}: {error}")
    with listener:
        host, port = listener.getsockname()[:2]
        if not ipaddress.ip_address(host).is_loopback:
            print(f"warning: {host} can be reached from elsewhere, and there is no password", file=sys.stderr)
        shown = f"[{host}]" if ":" in host else host
        print(f"serving {arguments.task} on http://{shown}:{port}", flush=True)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=arguments.grace
        )
        with _quiet_signals():
            uvicorn.Server(config).run(sockets=[listener])
    return 0


def _refuse(message: str) -> int:
    print_error(message)
    return 2


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that listens, on any free port for 0. Raises OSError."""
    if not 0 <= port < 65536:  # the resolver would take it modulo 65536
        raise OSError("the port must be in 0..65535")
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """uvicorn stops gracefully and then raises the signal again; being asked to stop isn't a failure."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
