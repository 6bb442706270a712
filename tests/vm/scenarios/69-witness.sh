# The laboratory's own: the witness of the fault matrix finds an old block, a damaged block and an I/O error, and nothing where nothing is wrong.
# limit: 120
. /vm/faults.sh
fault_disk store 16
blocks_kept() { dd if=/dev/mapper/store of=/tmp/kept bs=4096 count=64 iflag=direct 2>/dev/null; }
# witness_finds REGEX
witness_finds() {
	wait_for 30 "the witness to find it" witness_is_over
	! wait "$(cat "$STATE/bg.witness.w")" || fail "the witness found nothing"
	grep -Eq "$1" "$STATE/witness.w.says" || fail "the witness says: $(cat "$STATE/witness.w.says")"
	say "$(head -n 1 "$STATE/witness.w.says")"
}
witness_is_over() { ! is_running witness.w; }

witness_start w mapper/store 0 262144
witness_settled w "on a sound disk"
witness_stop w
witness_start w mapper/store 0 262144
blocks_kept
witness_settled w "before"
dd if=/tmp/kept of=/dev/mapper/store bs=4096 oflag=direct 2>/dev/null
witness_finds 'is not version'
witness_start w mapper/store 0 262144
dd if=/dev/urandom of=/dev/mapper/store bs=4096 count=64 oflag=direct 2>/dev/null
witness_finds 'is not version'
witness_start w mapper/store 0 262144
echo "0 32768 error" | dmsetup load store
dmsetup suspend --nolockfs store
dmsetup resume store
witness_finds 'Input/output error'
