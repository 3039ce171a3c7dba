"""A real mail server on a free port of loopback, for tests of what hands mail in: prints its port, then a line a mail."""

import asyncio
import base64
import json
import logging
import sys

from aiosmtpd.smtp import SMTP, AuthResult

logging.disable()
choices = json.loads(sys.argv[1])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in choices.get("unknown", []):
            return "550 5.1.1 there is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if choices.get("full"):
            return "452 4.3.1 the disk is full"
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": getattr(session, "user", None),
            "data": base64.b64encode(envelope.original_content).decode(),
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    user, password = data.login.decode(), data.password.decode()
    session.user = user
    return AuthResult(success=[user, password] == choices["login"], handled=False)


async def main():
    login = "login" in choices
    options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False} if login else {}
    factory = lambda: SMTP(Handler(), hostname="mail.test", **options)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
