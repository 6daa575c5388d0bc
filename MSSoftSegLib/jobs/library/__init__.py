"""What is asked of the case library: open, save, list, export, agree."""
