"""Stands where systemd would: a datagram socket at this path. Prints a JSON line a message, its lines in a list."""

import json
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print(json.dumps([]), flush=True)
while True:
    # The descriptor that comes with a barrier is dropped here, which is the answer that its sender waits for.
    lines = listener.recv(65536).decode().split("\n")
    if lines != ["BARRIER=1"]:
        print(json.dumps([line for line in lines if line]), flush=True)
