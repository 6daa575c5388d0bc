"""The command line: builds jobs, shows events."""
