"""`vrft-eval view`: a run, or a folder of runs, in a browser."""

from __future__ import annotations

import ipaddress
import threading
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import console
from vrft_eval.errors import InputError


def view(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a folder of runs.")],
    host: Annotated[str, typer.Option(help="Address to listen on; there is no password.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
) -> None:
    """Show a run in the browser, also while it goes on; Ctrl-C ends it. Nothing is written."""
    try:
        import uvicorn

        from vrft_eval.view.app import create_app, hosts_of
    except ImportError as error:
        raise InputError(f"view needs the extra serve: pip install 'vrft[eval,serve]' ({error})") from None
    from vrft_rewards.serve.command import listen

    with ThreadPoolExecutor(1, thread_name_prefix="scoring") as executor:
        app = create_app(run, executor, hosts_of(host))
        try:
            listener = listen(host, port)
        except OSError as error:
            raise InputError(f"can't listen there: {error}", field="--host, --port", value=f"{host} {port}") from None
        with listener:
            address, free = listener.getsockname()[:2]
            if not ipaddress.ip_address(address).is_loopback:
                console.err.print(f"{address} can be reached from elsewhere, and there is no password", style="yellow")
            shown = f"[{address}]" if ":" in address else address
            url = f"http://{shown}:{free}/"
            console.print_line(f"viewing {run} on {url}")
            if open_browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2
            )
            # Being asked to stop is the way this ends: uvicorn closes what is open, then passes the signal on.
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listener])
        executor.shutdown(wait=False, cancel_futures=True)
