"""
The embedded Postgres and Valkey of a data directory.

Whoever needs a server holds a lease on it (`lease`). A small keeper process per
server (`keeper`) starts it, restarts it, and stops it when the last lease is gone,
be it by a clean end or by `kill -9`. Nothing here imports Django.
"""
