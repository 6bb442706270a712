# The kernel complains about what was announced.
allow_dmesg 'something else' 'an error that .* expected'
echo '<3>an error that everybody expected' >/dev/kmsg
