"""Long jobs as processes of their own: each has a folder, outlives who started it, and is watched and stopped through files."""
