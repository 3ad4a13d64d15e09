"""pbxsync keeps a PBX's outbound routes in Git: declare, review, plan and apply them."""

__version__ = "0.1.0"
