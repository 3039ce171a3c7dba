"""The other end of `upload.ts`: takes uploads as a hub does, digests included, and plain PUTs; keeps nothing of them."""

import sys
import time
import urllib.parse
import xmlrpc.client
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 1024 * 1024
files = {}
arrivals = []


def upload(query, body):
    name = query["filename"][0]
    size, digest = files.get(name, (0, 1)) if query["offset"][0] != "0" else (0, 1)
    if int(query["offset"][0]) != size:
        raise xmlrpc.client.Fault(1000, "a hole")
    files[name] = (size + len(body), zlib.adler32(body, digest))
    if name.endswith(".log"):
        now = time.time()
        arrivals.extend(now - float(line) for line in body.decode().split("\n")[:-1])
    return {
        "size": len(body),
        "offset": size,
        "fileverify": "adler32",
        "hexdigest": "%08x" % zlib.adler32(body),
    }


def call(method, params):
    if method in ("login", "subsession"):
        return {"session-id": 1, "session-key": "key", "header-auth": True}
    if method == "echo":
        return list(params)
    if method == "checkUpload":
        size, digest = files[params[1]]
        return {"size": size, "mtime": 1.5, "sumlength": size, "hexdigest": "%08x" % digest}
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
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            if self.headers["Content-Type"] == "application/octet-stream":
                value = upload(urllib.parse.parse_qs(self.path.split("?", 1)[1]), body)
            else:
                params, method = xmlrpc.client.loads(body)
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
        while left > 0:
            left -= len(self.rfile.read(min(left, BLOCK)))
        self.answer(201, b"")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
