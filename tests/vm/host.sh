# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the scripts of this folder that run on the building machine share: the accelerator, the small archive with the build,
# the machine's command line. Sourced; knows nothing of what happens in the guest.
: "${vm:?this folder}" "${cache:?where the base image is}"

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# slowness: prints how many times slower than a quiet machine of today this one is now, 1 to 8, by a fixed piece of work on two processors.
slowness_work() {
	sl_n=0
	while [ $sl_n -lt 300000 ]; do sl_n=$((sl_n + 1)); done
}
slowness() {
	sl_start=$(date +%s%N)
	slowness_work &
	slowness_work
	wait $!
	sl_ms=$((($(date +%s%N) - sl_start) / 1000000))
	# It takes 300 ms on one that does nothing else. Up to half as much again is the noise that limits allow for anyway.
	sl_times=$(((sl_ms + 150) / 300))
	[ $sl_times -ge 1 ] || sl_times=1
	[ $sl_times -le 8 ] || sl_times=8
	echo $sl_times
}

# accel: prints "kvm" when a guest really starts under it (that /dev/kvm opens proves nothing), else software emulation.
# The answer is kept as long as this machine is up.
accel() {
	ac_boot=$(cat /proc/sys/kernel/random/boot_id)
	read -r ac_known ac_accel 2>/dev/null <"$cache/accel" || :
	if [ "${ac_known:-}" = "$ac_boot" ]; then
		echo "$ac_accel"
		return
	fi
	ac_accel=tcg,thread=multi
	if [ -w /dev/kvm ]; then
		mkdir -p "$cache/probe/bin"
		cp "$(command -v busybox)" "$cache/probe/bin/"
		printf '#!/bin/busybox sh\n/bin/busybox mount -t devtmpfs dev /dev\necho srpgw-alive >/dev/ttyS0\n/bin/busybox poweroff -f\n' >"$cache/probe/init"
		chmod +x "$cache/probe/init"
		mkdir -p "$cache/probe/dev"
		(cd "$cache/probe" && find . | cpio --quiet -o -H newc) >"$cache/probe.cpio"
		# (in a shell of its own, which keeps quiet about a qemu that aborts)
		if sh -c 'timeout 6 "$@" </dev/null' sh qemu-system-x86_64 -machine q35 -accel kvm -cpu max -m 512 -display none -monitor none -no-reboot \
			-nic none -kernel "$cache/vmlinuz" -initrd "$cache/probe.cpio" -append "console=ttyS0 quiet panic=-1" \
			-serial stdio 2>/dev/null | grep -q srpgw-alive; then
			ac_accel=kvm
		fi
		rm -rf "$cache/probe" "$cache/probe.cpio"
	fi
	echo "$ac_boot $ac_accel" >"$cache/accel"
	echo "$ac_accel"
}

# pack BUILD FOLDER: FOLDER/run.cpio with the programs of BUILD, the libraries that they need, and the scripts of the guest.
# FOLDER/job/ (main, env) goes in as /vm/job.
pack() {
	pk_build=$1 pk_dir=$2 pk_root=$2/root
	rm -rf "$pk_root"
	mkdir -p "$pk_root/usr/sbin" "$pk_root/usr/bin" "$pk_root/usr/lib/srpgw/bridges" "$pk_root/vm" "$pk_root/etc/srpgw"
	for pk_f in "$pk_build"/sbin/* "$pk_build"/bin/*; do
		[ ! -x "$pk_f" ] || cp "$pk_f" "$pk_root/usr/${pk_f#"$pk_build"/}"
	done
	for pk_f in "$pk_build"/bridges/*.so; do
		[ ! -e "$pk_f" ] || cp "$pk_f" "$pk_root/usr/lib/srpgw/bridges/"
	done
	for pk_f in scatter witness canary; do
		[ ! -x "$pk_build/tests/vm/$pk_f" ] || cp "$pk_build/tests/vm/$pk_f" "$pk_root/usr/bin/"
	done
	find "$pk_root/usr" -type f -exec ldd {} + 2>/dev/null |
		awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | while read -r pk_lib; do
		# The base image has them behind its own links: /lib is usr/lib there.
		case $pk_lib in /usr/*) pk_to=$pk_lib ;; *) pk_to=/usr$pk_lib ;; esac
		mkdir -p "$pk_root$(dirname "$pk_to")"
		cp -L "$pk_lib" "$pk_root$pk_to"
	done
	cp "$vm"/guest/* "$pk_root/vm/"
	[ ! -e "$cache/siw/siw.ko" ] || cp "$cache/siw/siw.ko" "$pk_root/vm/"
	mv "$pk_root/vm/init" "$pk_root/init"
	cp -r "${VM_SCENARIOS:-$vm/scenarios}" "$pk_root/vm/scenarios"
	cp -r "$pk_dir/job" "$pk_root/vm/job"
	(cd "$pk_root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$pk_dir/run.cpio"
	cat "$cache/base.cpio" "$pk_dir/run.cpio" >"$pk_dir/initrd"
	rm -rf "$pk_root" "$pk_dir/run.cpio"
}

# tsc_argument: the kernel argument that spares a guest in software emulation the calibration of the time-stamp counter, which it
# gets wrong by any factor when others use this machine's processors meanwhile; nothing where it is not needed or cannot be known.
tsc_argument() {
	[ "$(accel)" != kvm ] && [ "$(uname -m)" = x86_64 ] || return 0
	if [ -z "$(find "$cache/tsc" -newer "$vm/tsc.c" 2>/dev/null)" ]; then
		${CC:-cc} -O2 -o "$cache/tsc.$$" "$vm/tsc.c" 2>/dev/null && mv "$cache/tsc.$$" "$cache/tsc" || return 0
	fi
	echo "tsc_early_khz=$("$cache/tsc")"
}

# machine LIMIT_S FOLDER [ARGUMENT...]: runs the machine whose initrd is in FOLDER, at most so long; its console goes to FOLDER/console, its second
# serial port is stdin and stdout. Kernel arguments: those that make emulation bearable,
# and room for all that the kernel says: a scenario reads its part from the mark at its start.
machine() {
	mc_limit=$1 mc_dir=$2
	shift 2
	# With a clock that counts instructions, the counter does so too.
	case " $* " in *' -icount '*) mc_tsc='' ;; *) mc_tsc=$(tsc_argument) ;; esac
	timeout --foreground -k 5 "$mc_limit" qemu-system-x86_64 -machine q35 -accel "$(accel)" -cpu max,la57=off -smp "${VM_SMP:-2}" -m "${VM_MEM_MB:-3072}" \
		-display none -monitor none -no-reboot -nic none -kernel "$cache/vmlinuz" -initrd "$mc_dir/initrd" \
		-append "console=ttyS0 panic=-1 quiet tsc=reliable mitigations=off audit=0 nmi_watchdog=0 log_buf_len=4M random.trust_cpu=on $mc_tsc ${VM_APPEND:-}" \
		-serial "file:$mc_dir/console" -serial stdio "$@"
}
