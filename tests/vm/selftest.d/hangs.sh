# Outlives its limit, with a process that must not outlive the tidying up.
# limit: 2
sleep 1000
