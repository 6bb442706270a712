# Waits for what never comes.
wait_for 1 "what never comes" false
