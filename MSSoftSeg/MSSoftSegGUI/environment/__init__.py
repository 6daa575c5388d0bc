"""What is installed, what is missing, and which models there are."""
