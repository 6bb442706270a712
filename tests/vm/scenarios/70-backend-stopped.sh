# A back-end that answers nothing any more (tgtd under SIGSTOP): the host's abort is answered in time, so that it never resets
# the host; the other back-end is not disturbed; when the first one goes on, so does the writer on it, and its data is right.
# limit: 240
need_srpgw
tgtd_start 1
tgtd_target 1 16
tgtd_start 2
tgtd_target 2 16
gateway_config_two
gateway_start
login
d0=$(disk 0) d1=$(disk 1)
echo 5 >"/sys/block/$d0/device/timeout"
# "Null scmnd": an answer that crossed the host's abort on its way.
allow_dmesg 'Null scmnd for RSP' 'SRP abort called' 'Sending SRP abort' 'SRP reset_device called'
load_start other "$d1"
load_start load "$d0"
sleep 2
kill -STOP "$(tgtd_pid 1)"
expect_dmesg 'SRP abort called' 12
sleep 5
[ "$(gateway_sum tmf_total)" -gt 0 ] || fail "the gateway has seen no task management"
kill -CONT "$(tgtd_pid 1)"
load_stop load
load_stop other
dmesg_says 'reset_host' && fail "the host reset its session"
fio_verify "$d0" --bs=64k --iodepth=8 --size=8M
say "$(gateway_sum tmf_total) task management functions, $(dmesg_scenario | grep -c 'SRP abort called') aborts"
