"""The embedded stack: Postgres, Redis, workers, beat, Flower, web and the application's stand-ins under one supervisor.

It is what `longhaul up` starts on a machine where nothing is installed but Python. A company that already runs
Postgres and a broker sets `LONGHAUL_DATABASE_URL` and `LONGHAUL_BROKER_URL` and the stack uses those; `docker/` runs
the same processes.

- `servers`: one server each, as a foreground child, on a private unix socket
- `supervisor`: starts all of it in order, restarts what dies, stops it in order
- `status`: what runs where, for the command line in another shell
- `clean`: removes the data folder and everything the stack put outside of it

Nothing here is needed by a run: kill any of it and the runs go on by themselves (ARCHITECTURE.md, "Liveness").
Imported by commands and the demo.
"""
