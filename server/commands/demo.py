"""`kuayu demo`: the demonstration, with everything that it starts."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import sys
from pathlib import Path

import typer

from server import demo
from server.app import House
from server.commands.console import (
    DATA,
    CertOption,
    DataOption,
    HostOption,
    KeyOption,
    PortOption,
    telling,
)
from server.commands.installed import with_house
from server.commands.rehearse import rehearsed
from server.db.schema import upgrade
from server.lifetime import set_up_logs, stop_asked
from server.running import running
from server.settings import SECRET_BYTES, Settings, read_settings

app = typer.Typer()


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
            result = await rehearsed(
                _own_url(settings), settings.data, tls=demo.trusting(settings.tls_cert)
            )
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
