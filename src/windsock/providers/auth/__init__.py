"""How providers are shown who calls: one file per kind, named in `registry`."""
