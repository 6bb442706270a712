# The kernel complains about something that was not announced.
allow_dmesg 'something else'
echo '<3>an error that nobody expected' >/dev/kmsg
