"""The command line as it is read; what the commands do is tested with them."""
