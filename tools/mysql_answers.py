"""Exit 0 when a MariaDB or MySQL answers on the loopback's usual port, else 1."""

from __future__ import annotations

import sys

import pymysql

try:
    pymysql.connect(host="127.0.0.1", user="root", database="test", connect_timeout=2).close()
except pymysql.Error:
    sys.exit(1)
