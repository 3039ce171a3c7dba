"""Runs a command at a terminal of its own and talks to it: terminal.py COLUMNSxROWS COMMAND... reads what to do from its
input, a line each: `see TEXT` waits until it is shown, `type TEXT` types a line, `size COLUMNSxROWS` changes the size, `hangup` closes the terminal.
Leaves with the command's exit code; what was shown goes to the output."""
import fcntl, os, pty, select, struct, sys, termios, time

def sized(text):
    columns, rows = text.split("x")
    return struct.pack("HHHH", int(rows), int(columns), 0, 0)

pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, sized(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])

seen = b""

def read():
    global seen
    try:
        more = os.read(terminal, 65536) if select.select([terminal], [], [], 1)[0] else None
    except OSError:
        return False
    seen += more or b""
    return more != b""

for line in sys.stdin:
    verb, _, rest = line.rstrip("\n").partition(" ")
    if verb == "see":
        deadline = time.monotonic() + 120
        while rest.encode() not in seen and time.monotonic() < deadline and read():
            pass
        if rest.encode() not in seen:
            sys.exit(f"never shown: {rest!r}; shown was: {seen.decode(errors='replace')}")
        seen = seen[seen.index(rest.encode()) + len(rest) :]
    elif verb == "type":
        os.write(terminal, rest.encode() + b"\n")
    elif verb == "size":
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, sized(rest))
    elif verb == "hangup":
        os.close(terminal)
        os.waitpid(pid, 0)
        sys.exit(0)
while read():
    pass
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
