# A file system on the LUN: made, filled, checked, and the same after logging out and in.
# limit: 180
modprobe ext4
target_up 64
login
d=$(disk 0)
mkfs.ext4 -q -F "/dev/$d"
mkdir -p /tmp/mnt
mount -t ext4 "/dev/$d" /tmp/mnt
mkdir /tmp/mnt/dir
cp -r /usr/bin /tmp/mnt/dir/
(cd /usr/bin && find . -type f -exec md5sum {} +) >/tmp/sums
umount /tmp/mnt
e2fsck -f -n "/dev/$d" >/tmp/fsck 2>&1 || fail "e2fsck: $(cat /tmp/fsck)"
logout
login
d=$(disk 0)
mount -t ext4 "/dev/$d" /tmp/mnt
(cd /tmp/mnt/dir/bin && md5sum -c /tmp/sums >/dev/null) || fail "a file came back different"
rm -r /tmp/mnt/dir
umount /tmp/mnt
e2fsck -f -n "/dev/$d" >/tmp/fsck 2>&1 || fail "e2fsck: $(cat /tmp/fsck)"
