"""The `kuayu` command. Its exit status is 0 only when it did what it says."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from counter_client.answers import Refusal, ServerLostError
from counter_client.cast import Account, Accounts, OffScriptError
from counter_client.rehearsal import Rehearsal, rehearse
from server import backup, demo
from server.access import Role
from server.app import House, StartError, all_routes, build_house
from server.app import openapi as openapi_document
from server.certificates.rules import VerdictKind
from server.certificates.signer import KeyFolderError, import_seal
from server.db.schema import is_current, upgrade
from server.errors import ServiceError
from server.regions.document import CatalogueError
from server.running import running, set_up_logs, until_stopped
from server.settings import Settings, SettingsError, read_settings
from server.staff.service import NewClerk
from server.supervision.audit import Audit, copied

Given = ParamSpec("Given")
Result = TypeVar("Result")

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Kuayu 跨域: the cross-region video counter."
)
staff_app = typer.Typer(no_args_is_help=True, help="Staff accounts.")
keys_app = typer.Typer(no_args_is_help=True, help="Seal keys.")
db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")
app.add_typer(staff_app, name="staff")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")

DataOption = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="KUAYU_DATA")]
HostOption = Annotated[str | None, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[int | None, typer.Option("--port", help="The port to listen on.")]
CertOption = Annotated[Path | None, typer.Option("--tls-cert", help="A PEM certificate.")]
KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its PEM key.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DATA = Path("data")

# What stops a command with its own words; anything else is a bug and shows its traceback.
TELLING = (
    SettingsError, CatalogueError, StartError, ServiceError, KeyFolderError, backup.BackupError,
    OffScriptError, Refusal, ServerLostError, TimeoutError, OSError,
)  # fmt: skip


def main() -> None:
    """Run the command."""
    app()


def fail(words: str) -> NoReturn:
    """Say on standard error why the command did not do it, and leave with status 1."""
    typer.echo(words, err=True)
    raise typer.Exit(1)


def telling(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Turn expected failures of a command into words and status 1."""

    @wraps(command)
    def run(*args: Given.args, **named: Given.kwargs) -> Result:
        try:
            return command(*args, **named)
        except TELLING as error:
            fail(f"kuayu: {error or type(error).__name__}")

    return run


def settings_for(data: Path, **given: object) -> Settings:
    """Read the settings of an installation; one with a demo secret is the demonstration's."""
    is_demo = (data / "keys" / "secret").exists() and "KUAYU_SECRET" not in os.environ
    return read_settings(os.environ, data=data, demo=True if is_demo else None, **given)


async def with_house(settings: Settings, work: Callable[[House], Awaitable[Result]]) -> Result:
    """Run `work` on the joined parts without serving anyone."""
    house = build_house(settings)
    try:
        return await work(house)
    finally:
        await house.close()


def run_on(data: Path, work: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` on an installation whose schema is the newest."""

    async def checked(house: House) -> Result:
        if not await is_current(house.database.reader):
            raise StartError("the database's schema is not the newest: run `kuayu db upgrade`")
        return await work(house)

    return asyncio.run(with_house(settings_for(data), checked))


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
        async with running(settings):
            await until_stopped()

    asyncio.run(work())


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
    given: dict[str, object] = {"host": host, "port": port}
    own_cert = tls_cert
    if host in demo.ANYWHERE and tls_cert is None:
        address = demo.own_address()
        own_cert, tls_key = demo.make_tls(data, address)
        public_url = f"https://{address}:{port or 8400}"
        given |= {"public_url": public_url, "also_served_as": f"https://localhost:{port or 8400}"}
        typer.echo(
            "浏览器只允许安全页面使用摄像头，已生成自签名证书，首次打开时请在浏览器中选择继续访问。"
        )
        typer.echo(
            "(browsers give cameras only to secure pages: a self-signed certificate is used)"
        )
    elif tls_cert is not None:
        given["public_url"] = f"https://localhost:{port or 8400}"
    settings = read_settings(
        os.environ, data=data, demo=True, tls_cert=own_cert, tls_key=tls_key, **given
    )
    set_up_logs(quiet=True)
    asyncio.run(_demo(settings))


async def _demo(settings: Settings) -> None:
    async def prepare(house: House) -> None:
        await upgrade(house.database.writer)
        await demo.make_clerks(house)

    await with_house(settings, prepare)
    async with running(settings) as house:
        typer.echo(_welcome(settings))
        pdf = _first_certificate(settings.data)
        if pdf is None:
            typer.echo("正在演练一次完整办理，请稍候…")
            result = await _rehearse(_own_url(settings), settings)
            pdf = result.pdf
            typer.echo(f"演练办件  {result.case_number}")
        typer.echo(f"已签发证明  {pdf}")
        typer.echo("按 Ctrl-C 停止。")
        sys.stdout.flush()
        del house
        await until_stopped()
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


@app.command()
@telling
def verify(
    file: Annotated[Path, typer.Argument(help="The PDF.")],
    data: DataOption = DATA,
    *,
    as_json: JsonOption = False,
) -> None:
    """Judge a certificate's file by its signature and the register; status 0 if it is genuine."""
    content = file.read_bytes()
    verdict = run_on(data, lambda house: house.verifying.by_file(content))
    if as_json:
        typer.echo(verdict.model_dump_json())
    else:
        for name, value in verdict.model_dump(mode="json").items():
            typer.echo(f"{name:<14}{'' if value is None else value}")
    if verdict.verdict is not VerdictKind.GENUINE:
        raise typer.Exit(1)


@app.command()
@telling
def verify_store(data: DataOption = DATA, *, as_json: JsonOption = False) -> None:
    """Walk everything that is kept and name what is wrong; status 0 if nothing is."""

    async def walk(house: House) -> Audit:
        with tempfile.TemporaryDirectory() as folder:
            async with copied(house.settings.database_url, Path(folder)) as database:
                now = house.units.clock()
                audit = Audit(database, house.files, house.vault, house.signer, now)
                await audit.walk()
                return audit

    audit = run_on(data, walk)
    if as_json:
        found = {"counted": audit.counted, "faults": [asdict(fault) for fault in audit.faults]}
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for fault in audit.faults:
            typer.echo(f"{fault.code}  {fault.about}  {fault.says}")
        walked = ", ".join(f"{count} {kind}" for kind, count in sorted(audit.counted.items()))
        typer.echo(f"{len(audit.faults)} faults in {walked or 'an empty store'}")
    if audit.faults:
        raise typer.Exit(1)


@app.command(name="backup")
@telling
def make_backup(
    target: Annotated[Path, typer.Argument(help="An empty folder.")], data: DataOption = DATA
) -> None:
    """Copy database and files; keys are kept apart and are not in it."""
    count = backup.back_up(data, target)
    typer.echo(f"{count} files backed up to {target}; keep {data / 'keys'} apart from it")


@app.command(name="restore")
@telling
def put_back(
    source: Annotated[Path, typer.Argument(help="A backup.")], data: DataOption = DATA
) -> None:
    """Put a backup back into an empty data folder, every hash checked before."""
    count = backup.restore(source, data)
    typer.echo(f"{count} files restored to {data}; put the keys back to {data / 'keys'}")


@app.command()
@telling
def openapi() -> None:
    """Print the API's OpenAPI document."""
    with tempfile.TemporaryDirectory() as folder:
        demo.make_secret(Path(folder))
        settings = read_settings({}, data=Path(folder), demo=True)
        document = asyncio.run(with_house(settings, _document))
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))


async def _document(house: House) -> dict[str, Any]:
    return openapi_document(all_routes(house))


@staff_app.command("add")
@telling
def add_clerk(  # noqa: PLR0917 (options of the command line)
    name: str,
    display_name: Annotated[str, typer.Option(help="As people see it.")],
    role: Annotated[list[Role], typer.Option(help="counter, agent, supervisor, administrator.")],
    region: Annotated[str, typer.Option(help="Region code.")] = "",
    hall: Annotated[str, typer.Option(help="Hall id.")] = "",
    counter: Annotated[str, typer.Option(help="Counter id.")] = "",
    item: Annotated[list[str] | None, typer.Option(help="Items handled; none: all.")] = None,
    data: DataOption = DATA,
) -> None:
    """Add an account; the password is asked for, or read from standard input."""
    new = NewClerk(
        name=name, display_name=display_name, roles=role, region=region, hall=hall,
        counter=counter, items=item or (),
    )  # fmt: skip
    password = _password()
    run_on(data, lambda house: house.staff.add_clerk(new, password))
    typer.echo(f"added {name}")


@staff_app.command("disable")
@telling
def disable_clerk(name: str, data: DataOption = DATA) -> None:
    """Disable an account and end its logins."""
    run_on(data, lambda house: house.staff.disable_clerk(name))
    typer.echo(f"disabled {name}")


@staff_app.command("password")
@telling
def set_password(name: str, data: DataOption = DATA) -> None:
    """Set an account's password and end its logins; asked for, or read from standard input."""
    password = _password()
    run_on(data, lambda house: house.staff.set_password(name, password))
    typer.echo(f"password of {name} set")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


@keys_app.command("import")
@telling
def import_key(
    p12: Annotated[Path, typer.Argument(help="A PKCS#12 file with its chain.")],
    authority: Annotated[str, typer.Option(help="The authority's id in regions.toml.")],
    p12_passphrase_file: Annotated[Path, typer.Option(help="A file with its passphrase.")],
    data: DataOption = DATA,
) -> None:
    """Bring an authority's seal key into the key folder."""
    settings = settings_for(data)
    given = p12_passphrase_file.read_text().strip()
    subject = import_seal(
        settings.data / "keys", authority, p12.read_bytes(), given, settings.key_passphrase
    )
    typer.echo(f"imported {subject}")


@db_app.command("upgrade")
@telling
def upgrade_schema(data: DataOption = DATA) -> None:
    """Bring the database's schema to the newest revision."""
    settings = settings_for(data)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    asyncio.run(with_house(settings, lambda house: upgrade(house.database.writer)))
    typer.echo("the schema is the newest")
