"""`python -m pbxsync` is `pbxsync`."""

from pbxsync.cli import main

main()
