"""The command line: one file per noun. Exit 0 done, 1 refused, 2 misuse; `--json` prints one document on stdout."""
