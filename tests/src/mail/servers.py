"""A real SMTP server (aiosmtpd) and a real IMAP server (pymap) over one set of mailboxes, as a small mail host runs them.

The only argument is JSON: {"accounts": {address: password}, "certificates": folder or null, "copies": bool,
"ports": {name: number}}; what has no number there takes a free port.
Ports, and every mail that the SMTP server took, go to standard output as JSON lines; commands come in on standard
input as JSON lines, each with an "id" that its answer carries. It ends when standard input does.
"""

import asyncio
import base64
import json
import smtplib
import ssl
import sys
from argparse import Namespace
from datetime import datetime, timezone

from aiosmtpd.smtp import SMTP, AuthResult
from pymap.backend.dict import DictBackend, Identity
from pymap.context import subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Seen
from pymap.user import Passwords, UserMetadata
from proxyprotocol.reader import ProxyProtocolReader

HOST = "127.0.0.1"


def say(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Mailboxes:
    """The accounts of the IMAP server, from the inside: where a delivery agent puts mail."""

    def __init__(self, backend):
        self.backend = backend
        self.accounts = {}

    async def add(self, address, password):
        login = self.backend.login
        identity = Identity(address, login, None, frozenset())
        secret = await Passwords(self.backend.config).hash_password(password)
        await identity.set(UserMetadata(self.backend.config, address, password=secret))
        async with identity.new_session() as session:
            await session.mailbox_set.add_mailbox("Sent")
            self.accounts[address.lower()] = session.mailbox_set

    async def put(self, address, mailbox, content, flags=(), told=True):
        box = await self.accounts[address.lower()].get_mailbox(mailbox)
        now = datetime.now(timezone.utc)
        tell = box._updated
        if not told:
            # As it happens to what comes in between an answer and the start of IDLE.
            box._updated = subsystem.get().new_event()
        await box.append(AppendMessage(content, now, frozenset(flags)), recent=True)
        box._updated = tell

    async def list(self, address, mailbox):
        box = await self.accounts[address.lower()].get_mailbox(mailbox)
        return [{"uid": m.uid, "seen": Seen in m.permanent_flags} async for m in box.messages()]


class Post:
    """What the SMTP server does with mail; it fails on demand as mail servers and the lines to them fail."""

    def __init__(self, mailboxes, copies):
        self.mailboxes, self.copies = mailboxes, copies
        self.faults = []

    def fault(self, server, stage):
        if not self.faults or self.faults[0]["stage"] != stage:
            return None
        reply = self.faults.pop(0)["reply"]
        if reply == "drop":
            server.transport.abort()
            return "421 the line is cut"
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        if refusal := self.fault(server, "recipient"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if refusal := self.fault(server, "content"):
            return refusal
        trace = f"Return-Path: <{envelope.mail_from or ''}>\r\nReceived: by {HOST}\r\n".encode()
        for address in envelope.rcpt_tos:
            if address.lower() in self.mailboxes.accounts:
                await self.mailboxes.put(address, "INBOX", trace + envelope.content)
        if self.copies and (envelope.mail_from or "").lower() in self.mailboxes.accounts:
            await self.mailboxes.put(envelope.mail_from, "Sent", envelope.content, [Seen])
        content = base64.b64encode(envelope.content).decode()
        login = session.auth_data.decode() if session.auth_data else None
        say(mail={"from": envelope.mail_from, "to": envelope.rcpt_tos, "content": content, "login": login})
        if refusal := self.fault(server, "taken"):
            return refusal
        return "250 2.0.0 taken"


def post_over_smtp(port, mail):
    with smtplib.SMTP(HOST, port, timeout=20) as line:
        line.sendmail(mail["from"], mail["to"], base64.b64decode(mail["content"]))


async def serve(settings):
    loop = asyncio.get_running_loop()
    folder = settings["certificates"]
    context = None
    if folder:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/server.pem")
    arguments = Namespace(
        debug=False, host=HOST, port=0, cert=None, key=None, tls=False, inherited_sockets=None, proxy_protocol=None,
        passlib_cfg=None, demo_data=False, demo_user="nobody", demo_password="nothing")
    backend, config = await DictBackend.init(arguments)
    config.apply_context()
    mailboxes = Mailboxes(backend)
    for address, password in settings["accounts"].items():
        await mailboxes.add(address, password)
    imap = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
    ports, servers, wanted = {}, [], settings["ports"]

    def opened(name, server):
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]

    opened("imap", await asyncio.start_server(imap, HOST, wanted.get("imap", 0), limit=1 << 20))
    post = Post(mailboxes, settings["copies"])

    def check(server, session, envelope, mechanism, data):
        user, password = data.login.decode(), data.password.decode()
        right = settings["accounts"].get(user) == password
        return AuthResult(success=right, handled=right, auth_data=data.login)

    def smtp(**more):
        return lambda: SMTP(post, hostname="mx.example.com", loop=loop, enable_SMTPUTF8=True, **more)

    opened("smtp", await loop.create_server(smtp(), HOST, wanted.get("smtp", 0)))
    if context:
        opened("imaps", await asyncio.start_server(imap, HOST, 0, ssl=context, limit=1 << 20))
        login = {"authenticator": check, "auth_required": True}
        starttls = smtp(tls_context=context, require_starttls=True, **login)
        opened("submission", await loop.create_server(starttls, HOST, 0))
        smtps = await loop.create_server(smtp(auth_require_tls=False, **login), HOST, 0, ssl=context)
        opened("smtps", smtps)
    say(ports=ports)
    commands = asyncio.StreamReader(limit=64 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        try:
            answer = await obey(loop, command, mailboxes, post, ports["smtp"])
        except Exception as error:
            say(id=command["id"], error=f"{type(error).__name__}: {error}")
        else:
            say(id=command["id"], answer=answer)


async def obey(loop, command, mailboxes, post, port):
    if mail := command.get("send"):
        return await loop.run_in_executor(None, post_over_smtp, port, mail)
    if fault := command.get("fail_next"):
        post.faults.append(fault)
        return None
    if box := command.get("list"):
        return await mailboxes.list(box["account"], box["mailbox"])
    if mail := command.get("put"):
        content = base64.b64decode(mail["content"])
        flags = [Seen] if mail["seen"] else []
        return await mailboxes.put(mail["account"], mail["mailbox"], content, flags, mail["told"])
    raise ValueError("an unknown command")


if __name__ == "__main__":
    if sys.argv[1] == "--certificates":
        import trustme

        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{sys.argv[2]}/authority.pem")
        server = authority.issue_cert("localhost", HOST)
        server.private_key_and_cert_chain_pem.write_to_path(f"{sys.argv[2]}/server.pem")
    else:
        asyncio.run(serve(json.loads(sys.argv[1])))
