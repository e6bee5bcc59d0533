"""The matrix of faults: real processes, broken in every way that this machine can break them, and what came of it.

``declaration`` says what a row is, ``rows/`` has them, ``world`` is what they are inflicted on, ``checks`` decides
whether the promises held, ``results`` keeps the numbers and ``page`` makes ``docs/reliability.md`` of them.
"""
