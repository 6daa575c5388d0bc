"""Cases that are kept: saving, worklist, raters compared, export."""
