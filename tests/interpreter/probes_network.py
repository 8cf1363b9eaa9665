"""Probes that look for a way out through sockets."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

from probe import Probe

_C = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"

NETWORK = [
    Probe("connects over TCP", "import socket; socket.create_connection(('127.0.0.1', PORT), 1)"),
    Probe("connects over TCP by name", "import socket; socket.create_connection(('localhost', PORT), 1)"),
    Probe(
        "connects without waiting",
        "import socket; s = socket.socket(); s.setblocking(False)\ns.connect_ex(('127.0.0.1', PORT))",
    ),
    Probe("connects over IPv6", "import socket; socket.create_connection(('::1', PORT6), 1)"),
    Probe(
        "sends a datagram", "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP_PORT))"
    ),
    Probe(
        "sends a datagram after connecting",
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "s.connect(('127.0.0.1', UDP_PORT)); s.send(b'\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\3abc\\0\\0\\1\\0\\1')",
    ),
    Probe("connects to a Unix socket", "import socket; socket.socket(socket.AF_UNIX).connect(UNIX)"),
    Probe("connects to an abstract Unix socket", "import socket; socket.socket(socket.AF_UNIX).connect(ABSTRACT)"),
    Probe("fetches a URL", "import urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{PORT}/', timeout=0.3)"),
    Probe(
        "fetches with http.client",
        "import http.client\nhttp.client.HTTPConnection('127.0.0.1', PORT, timeout=0.3).request('GET', '/')",
    ),
    Probe(
        "connects with asyncio",
        "import asyncio\nasync def f():\n    await asyncio.open_connection('127.0.0.1', PORT)\nasyncio.run(f())",
    ),
    Probe(
        "connects through C",
        _C + "import socket, struct\ns = libc.socket(2, 1, 0)\n"
        "a = struct.pack('=HH4s8x', 2, socket.htons(PORT), bytes([127, 0, 0, 1])); libc.connect(s, a, 16)",
    ),
    Probe(
        "connects with fast open",
        "import socket; s = socket.socket()\ns.sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', PORT))",
    ),
    Probe(
        "connects with a multiprocessing client", "import multiprocessing.connection as m; m.Client(UNIX)", endless=True
    ),
    Probe("connects with FTP", "import ftplib; ftplib.FTP().connect('127.0.0.1', PORT, 0.3)"),
    Probe(
        "connects with XML-RPC",
        "import socket; socket.setdefaulttimeout(0.3); import xmlrpc.client\n"
        "xmlrpc.client.ServerProxy(f'http://127.0.0.1:{PORT}').f()",
    ),
    Probe(
        "logs to a socket",
        "import logging.handlers as h, logging\nh.SocketHandler('127.0.0.1', PORT).emit(logging.makeLogRecord({}))",
    ),
    Probe("serves on a port", "import socket; s = socket.create_server(('127.0.0.1', 0)); print(MARK)"),
    Probe("serves over Unix", "import socket; s = socket.socket(socket.AF_UNIX); s.bind('\\0' + WORD); print(MARK)"),
    Probe("opens a raw socket", "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW); print(MARK)"),
    Probe("opens a netlink socket", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); print(MARK)"),
    Probe("lists the network interfaces", "import socket; print(MARK, socket.if_nameindex())"),
    Probe("opens a vsock", "import socket; socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); print(MARK)"),
    Probe(
        "sets up io_uring", _C + "p = ctypes.create_string_buffer(240)\nif libc.syscall(425, 4, p) >= 0: print(MARK)"
    ),
    Probe(
        "connects through the 32-bit system calls",
        """
import ctypes, mmap
# mov eax, 359 (socket); mov ebx, 2; mov ecx, 1; xor edx, edx; int 0x80; ret: another table of numbers on the same kernel
code = bytes.fromhex('53b867010000bb02000000b90100000031d2cd805bc3')
m = mmap.mmap(-1, 4096, prot=7); m.write(code)
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
if 0 <= f() < 4096: print(MARK)
""",
    ),
    Probe(
        "talks through a socket it inherited",
        "import socket\nfor fd in range(3, 1024):\n"
        "    try:\n        s = socket.socket(fileno=fd); s.setblocking(False); s.send(b'x'); s.detach()\n"
        "    except OSError: pass",
    ),
]
