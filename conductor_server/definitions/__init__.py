"""Everything that turns files, modules and queries into declarations.

A location is read by a definition source (``source``), found by entry point (``registry``). The built-in one
(``files``) reads each file into a ``Document`` whose values know their places (``yaml_files``,
``json_files``), which ``reading`` holds against the ``shape`` people write; ``loading`` judges the whole set.
"""
