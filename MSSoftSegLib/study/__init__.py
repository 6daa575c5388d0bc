"""The study: every recipe on the same patients, our rows beside the published ones, a sentence for each published claim."""
