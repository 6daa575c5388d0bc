"""What runs the exams of a cohort: this process one after the other, or workers of dask.distributed here and on a cluster."""
