"""The soft label of a drawing, previewed."""
