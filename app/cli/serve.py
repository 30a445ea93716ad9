"""`assent serve`: the parent process. It owns the database, the migrations, the applied data and the socket.

Read `_serve` downwards: that is the order of a start. The first worker is started before anything else, because it
imports for longer than the database needs; it gets nothing to do before everything is in place.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.cli.flags import Options
from app.cli.order import Listeners, Order, Tls
from app.cli.worker_process import Worker

APPLICATION = "app.cli.serving:application"
DRAIN_SECONDS = 10


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.", show_default="8000")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.", show_default="1")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM), to serve https.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key of the certificate (PEM).")] = None,
    migrate: Annotated[bool, typer.Option("--migrate", help="Apply pending migrations first.")] = False,
    apply: Annotated[list[Path] | None, typer.Option(help="Data file to apply first; repeatable.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file.", show_default="assent.toml")] = None,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Make a demo user and run the demo.")] = False,
    demo_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the demo application.")] = 8001,
    demo_mcp_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the demo MCP server.")] = 8003,
    metrics_port: Annotated[int | None, typer.Option(help="Port for Prometheus metrics; 0: any free one.")] = None,
    no_durable: Annotated[bool, typer.Option("--no-durable", hidden=True)] = False,
) -> None:
    """Run the server; with its own PostgreSQL unless ASSENT_DATABASE_URL names another."""
    if (tls_cert is None) is not (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key belong together: give both or neither")
    options = Options(
        overrides={"host": host, "port": port, "workers": workers},
        config=config,
        tls=Tls(str(tls_cert.resolve()), str(tls_key.resolve())) if tls_cert and tls_key else None,
        migrate=migrate,
        apply=tuple(apply or ()),
        demo=demo,
        demo_port=demo_port,
        demo_mcp_port=demo_mcp_port,
        metrics_port=metrics_port,
        durable=not no_durable,
    )
    sys.exit(run(options))


def run(options: Options) -> int:
    """Run the server until it ends; returns the exit status. What cannot be started is told in one sentence."""
    from app.cli.refusals import Refused, refusals

    try:
        with refusals():
            return _serve(options)
    except Refused as refused:
        print(f"assent: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _serve(options: Options) -> int:
    begun = time.monotonic()
    with _stop_signals_raise(), ExitStack() as stack:
        first = Worker("worker 1", preload="app.main")
        first.start()
        stack.callback(first.kill)

        from app.cli import banner, lean_start, sockets
        from app.cli.demo import check_available, demo_worker, reaching_demo
        from app.cli.demo_notes import notes_worker
        from app.cli.preparation import prepare
        from app.cli.supervisor import Supervisor
        from app.settings import load
        from app.telemetry import logging
        from app.telemetry.exposition import WorkerMetrics
        from app.telemetry.style import suited_style

        lean_start.collect_again()
        settings = load(options.config, overrides=options.overrides)
        style = suited_style()
        logging.configure(style)
        tls = sockets.with_client_authorities(options.tls, settings.mtls.port, settings.mtls.client_ca_file)
        sockets.check_tls(tls)
        if options.demo:
            check_available(settings)
            settings = reaching_demo(settings, options.demo_port)
        door = stack.enter_context(sockets.door(settings.host, settings.port))
        if settings.issuer is None:
            update = {"issuer": f"https://localhost:{door.bound_port}"} if tls else {"port": door.bound_port}
            settings = settings.model_copy(update=update)
        house = stack.enter_context(prepare(options, settings))
        listeners = Listeners(door.open(), stack.enter_context(sockets.mutual(settings.host, settings.mtls.port)))
        metrics = WorkerMetrics()
        metrics_url = sockets.metrics_listener(metrics, options.metrics_port)
        workers = [first]
        for number in range(2, settings.workers + 1):
            workers.append(Worker(f"worker {number}", preload="app.main"))
            workers[-1].start()
            stack.callback(workers[-1].kill)
        for worker in workers:
            order = Order(
                APPLICATION,
                house.arguments(run_jobs=worker is first),
                tls=tls,
                drain_seconds=DRAIN_SECONDS,
                log_style=style,
                report_metrics=metrics_url is not None,
            )
            worker.instruct(order, listeners)
        if house.demo is not None:
            workers.append(stack.enter_context(demo_worker(house.demo, style)))
            workers.append(stack.enter_context(notes_worker(settings.issuer_url, house.demo.notes_port, style)))

        def announce() -> None:
            told = house.banner(time.monotonic() - begun, settings.workers, metrics_url)
            print(banner.render(told), flush=True)

        supervisor = Supervisor(
            workers,
            metrics=metrics,
            database_alive=house.database_alive,
            on_ready=announce,
            drain_seconds=DRAIN_SECONDS,
        )
        ending = supervisor.run()
        if ending.sentence:
            print(f"assent: {ending.sentence}", file=sys.stderr)
    return ending.status


@contextmanager
def _stop_signals_raise() -> Iterator[None]:
    """While starting, a stop signal unwinds what has been started; while that unwinds, further ones are ignored."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    previous = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
