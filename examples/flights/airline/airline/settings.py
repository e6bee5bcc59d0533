"""Settings of a project that has commands and no pages: one app, one database, given as ``WAREHOUSE_URL``."""

import os

from psycopg.conninfo import conninfo_to_dict

_warehouse = conninfo_to_dict(os.environ["WAREHOUSE_URL"])

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _warehouse.get("dbname", ""),
        "USER": _warehouse.get("user", ""),
        "PASSWORD": _warehouse.get("password", ""),
        "HOST": _warehouse.get("host", ""),
        "PORT": _warehouse.get("port", ""),
    }
}
INSTALLED_APPS = ["delays"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
SECRET_KEY = "signs nothing: there are no sessions here"  # noqa: S105 - Django refuses to start without one
