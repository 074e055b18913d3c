"""Many cases on many processes and machines, by Dask distributed; the extra ``cluster`` installs it."""
