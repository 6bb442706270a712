# What the scenario before left behind is gone.
! grep -qzx 1000 /proc/[0-9]*/cmdline || fail "a process of the scenario before is still there"
