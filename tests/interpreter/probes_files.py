"""Probes that read or write files."""

# ruff: noqa: E501 - programs stand on the lines that they need

from __future__ import annotations

from probe import Probe

_C_OPEN = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"

READING = [
    Probe("reads the user database", "print(open('/etc/passwd').read())"),
    Probe("reads a file with open", "print(open(SECRET_FILE).read())"),
    Probe("reads a file with os.open", "import os; print(os.read(os.open(SECRET_FILE, os.O_RDONLY), 999))"),
    Probe("reads a file with pathlib", "from pathlib import Path; print(Path(SECRET_FILE).read_text())"),
    Probe("reads a file with io.FileIO", "import io; print(io.FileIO(SECRET_FILE).read())"),
    Probe("reads a file with io.open_code", "import io; print(io.open_code(SECRET_FILE).read())"),
    Probe("reads a file with linecache", "import linecache; print(linecache.getlines(SECRET_FILE))"),
    Probe("reads a file with fileinput", "import fileinput; print(list(fileinput.input(SECRET_FILE)))"),
    Probe("reads a file with numpy.fromfile", "import numpy as np; print(np.fromfile(SECRET_FILE, 'u1').tobytes())"),
    Probe("reads a file with numpy.genfromtxt", "import numpy as np; print(np.genfromtxt(SECRET_FILE, dtype=str))"),
    Probe("reads a file with numpy.memmap", "import numpy as np; print(np.memmap(SECRET_FILE, mode='r').tobytes())"),
    Probe(
        "reads a file through C",
        _C_OPEN + "b = ctypes.create_string_buffer(99)\n"
        "libc.read(libc.open(SECRET_FILE.encode(), 0), b, 98); print(b.value)",
    ),
    Probe(
        "reads a file through a loader",
        "from importlib.machinery import SourceFileLoader as L\nprint(L('x', SECRET_FILE).get_data(SECRET_FILE))",
    ),
    Probe(
        "reads a file through .. of the library",
        "import os\nprint(open(os.path.dirname(os.__file__) + '/..' * 20 + SECRET_FILE).read())",
    ),
    Probe("reads a file through /proc/self/root", "print(open('/proc/self/root' + SECRET_FILE).read())"),
    Probe(
        "reads a file through /proc/self/cwd",
        "import os\nprint(open('/proc/self/cwd' + '/..' * 20 + SECRET_FILE).read())",
    ),
    Probe(
        "copies a file to stdout inside the kernel",
        "import os, sys\n"
        "r, w = os.pipe(); n = os.sendfile(w, os.open(SECRET_FILE, os.O_RDONLY), 0, 99); print(os.read(r, n))",
    ),
    Probe("runs a planted module", "import sys; sys.path.insert(0, FOLDER); import planted_module"),
    Probe("runs a planted file with runpy", "import runpy; runpy.run_path(FOLDER + '/planted_module.py')"),
    Probe("lists a folder", "import os; print(os.listdir(FOLDER))"),
    Probe("lists a folder with glob", "import glob; print(glob.glob(FOLDER + '/*'))"),
    Probe("reads the repository", "print(open(REPOSITORY + '/pyproject.toml').read())"),
    Probe("reads the source of the supervisor", "print(open(REPOSITORY + '/rstar/types.py').read())"),
    Probe("imports the supervisor's package", "import rstar.types, inspect; print(inspect.getsource(rstar.types))"),
    Probe("reads the reference answers", "import tasks.types, os\nprint(MARK, open(tasks.types.__file__).read(1))"),
    Probe("imports a package that is no library of its own", "import pytest; print(MARK)"),
    Probe("reads another package", "print(MARK, open(PACKAGES + '/pytest/__init__.py').read(1))"),
    Probe("lists the packages", "import os; print(MARK if 'pytest' in os.listdir(PACKAGES) else 0)"),
    Probe(
        "reads packages beside the standard library",
        "import os, glob\nbase = os.path.dirname(os.__file__) + '/site-packages'\n"
        "for name in ['README.txt', 'pip/__init__.py', *(os.listdir(base) if os.access(base, 4) else [])]:\n"
        "    try: print(MARK, open(base + '/' + name).read(1))\n    except OSError: pass",
    ),
    Probe("reads /proc", "print(MARK, open('/proc/version').read(1))"),
    Probe("reads /sys", "import os; print(MARK, os.listdir('/sys/kernel'))"),
    Probe("lists /dev", "import os; print(MARK, os.listdir('/dev'))"),
    Probe("lists the root folder", "import os; print(MARK, os.listdir('/'))"),
    Probe("lists the home folders", "import os; print(MARK, os.listdir('/root'), os.listdir('/home'))"),
    Probe(
        "reads an inherited descriptor",
        "import os\nfor fd in range(3, 1024):\n    try: print(os.pread(fd, 99, 0))\n    except OSError: pass",
    ),
    Probe(
        "opens a file relative to an inherited folder",
        "import os\nfor fd in range(3, 1024):\n"
        "    try: print(os.read(os.open('secret.txt', os.O_RDONLY, dir_fd=fd), 99))\n    except OSError: pass",
    ),
    Probe(
        "opens a file by its handle",
        _C_OPEN + "class H(ctypes.Structure):\n"
        "    _fields_ = [('n', ctypes.c_uint), ('t', ctypes.c_int), ('h', ctypes.c_ubyte * 128)]\n"
        "h = H(128); m = ctypes.c_int(); b = ctypes.create_string_buffer(99)\n"
        "libc.name_to_handle_at(-100, SECRET_FILE.encode(), ctypes.byref(h), ctypes.byref(m), 0)\n"
        "d = os.open('/', os.O_RDONLY); fd = libc.open_by_handle_at(d, ctypes.byref(h), 0)\nprint(os.read(fd, 99))",
    ),
    Probe("lets sympify read a file", "import sympy; print(sympy.sympify(f'open({SECRET_FILE!r}).read()'))"),
    Probe("lets lambdify read a file", "import sympy; print(sympy.lambdify((), f'open({SECRET_FILE!r}).read()')())"),
    Probe(
        "lets numpy's test tools read a file",
        "import numpy.testing._private.utils as u\nprint(u.__builtins__['open'](SECRET_FILE).read())",
    ),
    Probe(
        "finds open again after it was taken away",
        "c = ().__class__.__base__.__subclasses__()\n"
        "o = [k for k in c if k.__name__ == '_wrap_close'][0].__init__.__globals__\n"
        "import builtins; del builtins.open\nprint(o['fdopen'](o['open'](SECRET_FILE, 0)).read())",
    ),
    Probe(
        "reads a file through format attributes",
        "import os\nclass C:\n    def __init__(self): pass\n"
        "print('{0.__init__.__globals__[__builtins__]}'.format(C()) and open(SECRET_FILE).read())",
    ),
]

_WRITES = {
    "writes with open": "open(CANARY, 'w').write('x')",
    "appends with open": "open(CANARY, 'a').write('x')",
    "overwrites in place": "f = open(CANARY, 'r+b'); f.write(b'X'); f.close()",
    "makes a file": "open(FOLDER + '/new', 'w').close()",
    "makes an empty file exclusively": "open(FOLDER + '/new', 'x').close()",
    "truncates with os.open": "import os; os.open(CANARY, os.O_WRONLY | os.O_TRUNC)",
    "truncates through a read-only descriptor": "import os; os.open(CANARY, os.O_RDONLY | os.O_TRUNC)",
    "truncates with os.truncate": "import os; os.truncate(CANARY, 1)",
    "makes an unnamed file": "import os\n"
    "fd = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR, 0o600); os.write(fd, b'x'); print(MARK)",
    "writes with pathlib": "from pathlib import Path; Path(CANARY).write_text('x')",
    "writes with io.FileIO": "import io; io.FileIO(CANARY, 'w').write(b'x')",
    "deletes a file": "import os; os.unlink(CANARY)",
    "renames a file": "import os; os.rename(CANARY, CANARY + '2')",
    "replaces a file": "import os; os.replace(SECRET_FILE, CANARY)",
    "links a file": "import os; os.link(CANARY, FOLDER + '/link')",
    "makes a symbolic link": "import os; os.symlink('/etc/passwd', FOLDER + '/link')",
    "makes a folder": "import os; os.mkdir(FOLDER + '/new')",
    "removes a folder": "import os; os.rmdir(FOLDER + '/empty')",
    "removes a tree": "import shutil; shutil.rmtree(FOLDER + '/empty')",
    "makes a named pipe": "import os; os.mkfifo(FOLDER + '/pipe')",
    "makes a node": "import os; os.mknod(FOLDER + '/node')",
    "changes the mode of a file": "import os; os.chmod(CANARY, 0o777)",
    "changes the mode of a folder": "import os; os.chmod(FOLDER, 0o755)",
    "changes the mode through a descriptor": "import os; os.fchmod(os.open(CANARY, os.O_RDONLY), 0o777)",
    "changes the owner of a file": "import os; os.chown(CANARY, 65534, 65534)",
    "changes the times of a file": "import os; os.utime(CANARY, (1, 1))",
    "sets the times of a file to now": "import os; os.utime(CANARY)",
    "sets an attribute of a file": "import os; os.setxattr(CANARY, 'user.red', b'x')",
    "copies over a file": "import shutil; shutil.copyfile(SECRET_FILE, CANARY)",
    "maps a file and writes": "import mmap\nf = open(CANARY, 'r+b'); m = mmap.mmap(f.fileno(), 0); m[0] = 88; m.flush()",
    "writes through C": _C_OPEN + "libc.write(libc.open(CANARY.encode(), 1), b'X', 1)",
    "writes through C stdio": _C_OPEN + "libc.fopen.restype = ctypes.c_void_p; f = libc.fopen(CANARY.encode(), b'w')",
    "makes a file through C": _C_OPEN + "libc.creat((FOLDER + '/new').encode(), 0o600)",
    "writes with numpy.save": "import numpy as np; np.save(FOLDER + '/new', np.ones(3))",
    "writes with numpy.savetxt": "import numpy as np; np.savetxt(CANARY, np.ones(3))",
    "writes with ndarray.tofile": "import numpy as np; np.ones(3).tofile(CANARY)",
    "writes with numpy.memmap": "import numpy as np\nm = np.memmap(CANARY, mode='r+'); m[0] = 88; m.flush()",
    "writes with numpy's open_memmap": "import numpy as np\n"
    "np.lib.format.open_memmap(FOLDER + '/new.npy', 'w+', 'f8', shape=(3,)).flush()",
    "writes with scipy.io": "import scipy.io; scipy.io.savemat(FOLDER + '/new.mat', {'a': 1})",
    "writes with sqlite3": "import sqlite3; c = sqlite3.connect(FOLDER + '/db'); c.execute('create table t(x)')",
    "writes with dbm": "import dbm.dumb; dbm.dumb.open(FOLDER + '/db')['a'] = 'b'",
    "writes with shelve": "import shelve; s = shelve.open(FOLDER + '/db'); s['a'] = 1; s.close()",
    "writes with pickle": "import pickle; pickle.dump(1, open(CANARY, 'wb'))",
    "writes with logging": "import logging; logging.FileHandler(FOLDER + '/log')",
    "writes with zipfile": "import zipfile; zipfile.ZipFile(FOLDER + '/z', 'w').writestr('a', 'b')",
    "writes with tarfile": "import tarfile; tarfile.open(FOLDER + '/t', 'w').close()",
    "writes with csv": "import csv; csv.writer(open(CANARY, 'w')).writerow([1])",
    "writes with tracemalloc": "import tracemalloc as t; t.start(); t.take_snapshot().dump(FOLDER + '/dump')",
    "writes with cProfile": "import cProfile; cProfile.run('1', FOLDER + '/profile')",
    "writes by redirecting stdout": "import sys; sys.stdout = open(CANARY, 'w'); print('x', flush=True)",
    "makes a temporary file": "import tempfile, os\nf = tempfile.NamedTemporaryFile(delete=False); f.write(b'x')\n"
    "f.flush(); os.unlink(f.name); print(MARK)",
    "makes a temporary file in the folder": "import tempfile; tempfile.mkstemp(dir=FOLDER)",
    "lets sympify write": "import sympy; sympy.sympify(f'open({CANARY!r}, chr(119))')",
    "lets parse_expr write": "from sympy.parsing.sympy_parser import parse_expr; parse_expr(f'open({CANARY!r}, chr(119))')",
    "lets lambdify write": "import sympy; sympy.lambdify((), f'open({CANARY!r}, chr(119))')()",
    "lets a function's name write": "import sympy; x = sympy.Symbol('x')\n"
    "f = sympy.Function(f'open({CANARY!r},chr(119)) or abs')(x); sympy.lambdify(x, f)(1)",
    "lets sympy's code generator write": "import sympy; from sympy.utilities.codegen import codegen\n"
    "codegen(('f', sympy.Symbol('x')), 'C', FOLDER + '/f', to_files=True)",
    "writes to /tmp": "open('/tmp/' + WORD, 'w').write('x')",
    "writes to /var/tmp": "open('/var/tmp/' + WORD, 'w').write('x')",
    "writes to /dev/shm": "open('/dev/shm/' + WORD, 'w').write('x')",
    "writes to the home folder": "import os; open(os.path.expanduser('~/') + WORD, 'w').write('x')",
    "writes to the working folder": "open(WORD, 'w').write('x')",
    "writes to the repository": "open(REPOSITORY + '/' + WORD, 'w').write('x')",
    "writes beside the standard library": "import os; open(os.path.dirname(os.__file__) + '/' + WORD + '.py', 'w')",
    "fills the disk": "for i in range(4): open(f'{FOLDER}/new{i}', 'wb').write(bytes(1 << 20))",
    "leaves the folder for another root": "import os; os.chroot(FOLDER); print(MARK)",
}

WRITING = [Probe(name, code) for name, code in _WRITES.items()]
