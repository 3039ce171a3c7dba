"""The other end of `upload.ts`: takes uploads as a hub does, digests included, and keeps them in files.

It takes PUTs as well: plain ones, and ones that are added up as they arrive and once more from the file, as a hub is made
to do with what we send.
"""

import os
import sys
import time
import urllib.parse
import xmlrpc.client
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 64 * 1024
directory = sys.argv[1]
arrivals = []


def pieces(source, left):
    """As hubs read: a piece at a time."""
    while left > 0:
        piece = source.read(min(left, BLOCK))
        if not piece:
            raise ConnectionError("the sender went away")
        left -= len(piece)
        yield piece


def upload(query, source, length):
    name = query["filename"][0]
    offset = int(query["offset"][0])
    path = os.path.join(directory, name)
    if offset != (os.path.getsize(path) if offset and os.path.exists(path) else 0):
        raise xmlrpc.client.Fault(1000, "a hole")
    digest, lines = 1, []
    with open(path, "r+b" if offset else "wb") as file:
        file.seek(offset)
        for piece in pieces(source, length):
            file.write(piece)
            digest = zlib.adler32(piece, digest)
            if name.endswith(".log"):
                lines.append(piece)
    now = time.time()
    arrivals.extend(now - float(line) for line in b"".join(lines).decode().split("\n")[:-1])
    return {"size": length, "offset": offset, "fileverify": "adler32", "hexdigest": "%08x" % digest}


def digest_of(path):
    digest = 1
    with open(path, "rb") as file:
        while piece := file.read(BLOCK):
            digest = zlib.adler32(piece, digest)
    return "%08x" % digest


def call(method, params):
    if method in ("login", "subsession"):
        return {"session-id": 1, "session-key": "key", "header-auth": True}
    if method == "echo":
        return list(params)
    if method == "checkUpload":
        path = os.path.join(directory, params[1])
        size = os.path.getsize(path)
        return {"size": size, "mtime": 1.5, "sumlength": size, "hexdigest": digest_of(path)}
    if method == "slowest":
        return [len(arrivals), max(arrivals)]
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        try:
            if self.headers["Content-Type"] == "application/octet-stream":
                value = upload(urllib.parse.parse_qs(self.path.split("?", 1)[1]), self.rfile, length)
            else:
                params, method = xmlrpc.client.loads(self.rfile.read(length))
                value = call(method, params)
            document = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True)
        except xmlrpc.client.Fault as fault:
            document = xmlrpc.client.dumps(fault)
        self.answer(200, document.encode())

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        path = os.path.join(directory, "put")
        checked = self.path.endswith("?checked")
        digest = 1
        with open(path, "wb") as file:
            for piece in pieces(self.rfile, left):
                file.write(piece)
                if checked:
                    digest = zlib.adler32(piece, digest)
        if checked and digest_of(path) != "%08x" % digest:
            self.answer(500, b"")
        else:
            self.answer(201, b"")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
