"""Is this exam one that the model can be trusted with, and is its answer plausible? Warnings in words, never errors."""
