"""The doors and windows: each module fulfils one port of `gateway.ports`; only `gateway.assembly` imports them."""
