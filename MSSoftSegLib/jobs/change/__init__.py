"""Two visits or more: segmented where they are not yet, compared, written."""
