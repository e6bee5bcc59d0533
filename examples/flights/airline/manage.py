#!/usr/bin/env python
"""The airline project's commands: `manage.py load_flights --account HA …`."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airline.settings")
    execute_from_command_line(sys.argv)
