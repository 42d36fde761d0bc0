"""The commands of `longhaul` that insurance adds, one file per group. Put together by `app.installed`."""
