"""The `kuayu` command. Its exit status is 0 only when it did what it says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from counter_client.cast import Account, Accounts
from counter_client.rehearsal import Rehearsal, rehearse
from server import demo
from server.app import House
from server.console import (
    DATA,
    CertOption,
    DataOption,
    HostOption,
    JsonOption,
    KeyOption,
    PortOption,
    fail,
    telling,
    with_house,
)
from server.db.schema import upgrade
from server.keys import keys_app
from server.media.messages import MOST_LEGS
from server.media.process import LEGS_A_CORE, WORDS, Orders
from server.running import running, set_up_logs, stop_asked
from server.settings import (
    A_SECRET,
    SECRET_BYTES,
    Settings,
    SettingsError,
    read_media_secret,
    read_ports,
    read_settings,
    read_signer_settings,
)
from server.signing.process import serve as serve_signer
from server.sm2_keys import sm2_app
from server.templates import templates_app
from server.upkeep import db_app, staff_app, store_app
from server.workers import serve_all

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Kuayu 跨域: the cross-region video counter."
)


@app.command()
@telling
def serve(
    data: DataOption = DATA,
    host: HostOption = None,
    port: PortOption = None,
    tls_cert: CertOption = None,
    tls_key: KeyOption = None,
) -> None:
    """Serve in production: refuses demo keys, demo accounts and a missing secret."""
    settings = read_settings(
        os.environ, data=data, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key
    )
    set_up_logs()

    async def work() -> None:
        stopped = stop_asked()
        async with running(settings):
            await stopped.wait()

    asyncio.run(work())


@app.command()
@telling
def signer(data: DataOption = DATA) -> None:
    """Hold the seals' keys and sign for the service on a Unix socket, until stopped."""
    settings = read_settings(os.environ, data=data)
    own = read_signer_settings(os.environ, data=data)
    set_up_logs()
    serve_signer(settings, own)


@app.command()
@telling
def media(
    *,
    url: Annotated[str, typer.Option("--url", help="The service.")],
    secret_file: Annotated[Path | None, typer.Option(help="What KUAYU_MEDIA_SECRET is.")] = None,
    address: Annotated[str, typer.Option(help="The address to listen on.")] = "",
    announced: Annotated[str, typer.Option(help="What browsers are told, behind a NAT.")] = "",
    ports: Annotated[str, typer.Option(help="UDP ports: FIRST-LAST.")] = "40000-40063",
    capacity: Annotated[int, typer.Option(min=1, max=MOST_LEGS, help="Legs each.")] = LEGS_A_CORE,
    name: Annotated[str, typer.Option(help="What to be called.")] = socket.gethostname(),
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes: one a core.")] = 1,
    ca: Annotated[Path | None, typer.Option(help="The CA of the service's TLS.")] = None,
) -> None:
    """Forward the media of calls for a service, until stopped."""
    source = dict(os.environ)
    if secret_file is not None:
        source.pop("KUAYU_MEDIA_SECRET", None)
        source["KUAYU_MEDIA_SECRET_FILE"] = str(secret_file)
    secret = read_media_secret(source)
    if secret is None:
        raise SettingsError("KUAYU_MEDIA_SECRET", A_SECRET)
    orders = Orders(
        url=url, secret=base64.b64encode(secret).decode(), name=name[:64], address=address,
        announced=announced, ports=read_ports(ports), capacity=capacity, ca=ca,
    )  # fmt: skip
    ended = serve_all(orders, workers)
    if ended:
        fail(f"kuayu: {WORDS.get(ended, 'a media worker broke off; its last words are above')}")


@app.command(name="demo")
@telling
def run_demo(
    data: DataOption = DATA,
    host: HostOption = None,
    port: PortOption = None,
    tls_cert: CertOption = None,
    tls_key: KeyOption = None,
) -> None:
    """Serve the demonstration: its own keys and accounts, and one finished case to look at."""
    demo.make_secret(data)
    given: dict[str, object] = {
        "host": host, "port": port, "tls_cert": tls_cert, "tls_key": tls_key,
    }  # fmt: skip
    asked = read_settings(os.environ, data=data, demo=True, **given)
    if asked.tls_cert is None and asked.host in demo.ANYWHERE:
        address = demo.own_address()
        given["tls_cert"], given["tls_key"] = demo.make_tls(data, address)
        given["public_url"] = f"https://{address}:{asked.port}"
        given["also_served_as"] = f"https://localhost:{asked.port}"
        typer.echo(
            "浏览器只允许安全页面使用摄像头，已生成自签名证书，首次打开时请在浏览器中选择继续访问。"
        )
        typer.echo(
            "(browsers give cameras only to secure pages: a self-signed certificate is used)"
        )
    elif asked.tls_cert is not None and "KUAYU_PUBLIC_URL" not in os.environ:
        given["public_url"] = f"https://localhost:{asked.port}"
    given["media_secret"] = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    settings = read_settings(os.environ, data=data, demo=True, **given)
    set_up_logs(quiet=True)
    asyncio.run(_demo(settings))


async def _demo(settings: Settings) -> None:
    async def prepare(house: House) -> None:
        await upgrade(house.database.writer)
        await demo.make_clerks(house)

    await with_house(settings, prepare)
    stopped = stop_asked()
    async with (
        running(settings) as house, demo.signer(settings),
        demo.media_worker(house, _own_url(settings)),
    ):  # fmt: skip
        typer.echo(_welcome(settings))
        pdf = _first_certificate(settings.data)
        if pdf is None:
            typer.echo("正在演练一次完整办理，请稍候…")
            result = await _rehearse(_own_url(settings), settings)
            pdf = result.pdf
            typer.echo(f"演练办件  {result.case_number}")
        typer.echo(f"已签发证明  {pdf}")
        typer.echo("用 rehearsal-counter 或 rehearsal-agent 登录，可查看这个已办结的办件。")
        typer.echo("按 Ctrl-C 停止。")
        sys.stdout.flush()
        await stopped.wait()
    typer.echo("已停止，数据已保存。")


def _own_url(settings: Settings) -> str:
    """Return the address at which this very machine reaches its demonstration."""
    return settings.also_served_as[0] if settings.also_served_as else settings.public_url


def _first_certificate(data: Path) -> Path | None:
    return next(iter(sorted((data / "rehearsals").glob("*.pdf"))), None)


def _welcome(settings: Settings) -> str:
    url = settings.public_url
    pages = [
        ("登录 / 工作台", f"{url}/login"),
        ("值班长看板", f"{url}/board"),
        ("对客屏", f"{url}/facing"),
        ("公开核验", f"{url}/verify"),
        ("接口文档", f"{url}/api/openapi.json"),
    ]
    lines = ["", f"跨域 Kuayu 演示已启动：{url}", ""]
    lines += [f"  {name}  {address}" for name, address in pages]
    lines += ["", f"  演示账号（密码均为 {demo.PASSWORD}）："]
    lines += [
        f"    {one.clerk.name:<20}{one.clerk.display_name}  {one.shows}" for one in demo.CLERKS
    ]
    return "\n".join([*lines, ""])


async def _rehearse(
    url: str, settings: Settings | None, accounts: Accounts | None = None, data: Path = DATA
) -> Rehearsal:
    folder = (settings.data if settings else data) / "rehearsals"
    folder.mkdir(parents=True, exist_ok=True)
    tls = demo.trusting(settings.tls_cert) if settings else None
    return await rehearse(url, accounts or _demo_accounts(), folder, tls=tls)


def _demo_accounts() -> Accounts:
    return Accounts(
        counter=Account("rehearsal-counter", demo.PASSWORD),
        agent=Account("rehearsal-agent", demo.PASSWORD),
    )


@app.command(name="rehearse")
@telling
def run_rehearsal(
    data: DataOption = DATA,
    url: Annotated[str, typer.Option("--url", help="The service.")] = "http://localhost:8400",
    counter: Annotated[str, typer.Option(help="NAME:PASSWORD of a counter clerk.")] = "",
    agent: Annotated[str, typer.Option(help="NAME:PASSWORD of an agent.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Play the main job once against a running service, and say how long each stage took."""
    accounts = None
    if counter or agent:
        accounts = Accounts(counter=_account(counter), agent=_account(agent))
    result = asyncio.run(_rehearse(url, None, accounts, data))
    if as_json:
        typer.echo(json.dumps(result.as_json(), ensure_ascii=False))
        return
    for name, value in result.as_json().items():
        typer.echo(f"{name:<22}{value}")


def _account(text: str) -> Account:
    name, mark, password = text.partition(":")
    if not mark:
        fail("kuayu: expected NAME:PASSWORD")
    return Account(name, password)


app.add_typer(store_app)
app.add_typer(staff_app, name="staff")
keys_app.add_typer(sm2_app, name="sm2")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
app.add_typer(templates_app, name="templates")
