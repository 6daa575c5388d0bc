"""Networks and the bundles that carry them."""
